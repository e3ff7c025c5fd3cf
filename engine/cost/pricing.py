"""From a target to its cost model: the device's formula with the counted metrics beside it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import fsum
from typing import get_args

import numpy as np

from engine.cost.bismo import BismoCloud
from engine.cost.counting import (
    COUNTED_METRICS,
    counted_fixed_cost,
    counted_table,
    float_counts,
)
from engine.cost.model import CostModel, DeviceFormula, FloatArray
from engine.schema.cost import Bound, Cost, Metric, Value
from engine.schema.errors import InvalidConfig
from engine.schema.layers import LayerSpec, ModelSpec
from engine.schema.policy import MAX_BITS, LayerBits, Policy
from engine.schema.target import Target

# A new kind of device adds its formula here; a new device of a known kind is a catalogue entry.
_FORMULAS: dict[str, Callable[[Target], DeviceFormula | None]] = {
    "bismo-cloud": BismoCloud.of,
    "counted": lambda _: None,
}


def cost_model(target: Target) -> CostModel:
    """Return the cost model of a target."""
    return _TargetCosts(target=target, formula=_FORMULAS[target.formula](target))


@dataclass(frozen=True, slots=True, kw_only=True)
class _TargetCosts:
    """A device's own metrics and the counted ones, summed over layers.

    Sums are rounded once (`fsum`), so that a policy costs the same to the last bit whoever adds
    its layers up, and in whatever order.
    """

    target: Target
    formula: DeviceFormula | None

    def layer_cost(self, layer: LayerSpec, bits: LayerBits) -> Cost:
        cell = (bits.weight_bits - 1, bits.activation_bits - 1)
        return Cost(
            values={
                metric: self._value(metric, float(self._table(layer, metric)[cell]))
                for metric in self.target.metrics
            },
            bound=self._bound(layer, cell),
        )

    def network_cost(self, spec: ModelSpec, policy: Policy | None) -> Cost:
        if policy is None:
            return self._float_cost(spec)
        cells = [_cell(bits) for bits in _bits_in_order(spec, policy)]
        return Cost(
            values={
                metric: self._value(metric, self._sum(spec, cells, metric))
                for metric in self.target.metrics
            }
        )

    def cost_table(self, layers: Sequence[LayerSpec], metric: Metric) -> FloatArray:
        if metric not in self.target.metrics:
            raise InvalidConfig(
                "metric",
                f"{self.target.id} does not know {metric}; "
                f"choose one of {', '.join(self.target.metrics)}",
            )
        if not layers:
            return np.zeros((0, MAX_BITS, MAX_BITS))
        return np.stack([self._table(layer, metric) for layer in layers])

    def fixed_cost(self, spec: ModelSpec, metric: Metric) -> float:
        return counted_fixed_cost(spec, metric)

    def _float_cost(self, spec: ModelSpec) -> Cost:
        counts = float_counts(spec)
        return Cost(
            values={m: self._value(m, counts[m]) for m in self.target.metrics if m in counts}
        )

    def _sum(self, spec: ModelSpec, cells: list[tuple[int, int]], metric: Metric) -> float:
        parts = [
            float(self._table(layer, metric)[cell])
            for layer, cell in zip(spec.layers, cells, strict=True)
        ]
        return fsum([self.fixed_cost(spec, metric), *parts])

    def _table(self, layer: LayerSpec, metric: Metric) -> FloatArray:
        if metric in COUNTED_METRICS or self.formula is None:
            return counted_table(layer, metric)
        return self.formula.layer_table(layer).values[metric]

    def _bound(self, layer: LayerSpec, cell: tuple[int, int]) -> Bound | None:
        if self.formula is None:
            return None
        word = str(self.formula.layer_table(layer).bound[cell])
        return next(bound for bound in get_args(Bound) if bound == word)

    def _value(self, metric: Metric, value: float) -> Value:
        if metric in COUNTED_METRICS:
            return Value(value=value, provenance="counted")
        return Value(
            value=value,
            provenance=self.target.provenance,
            validation=self.target.validation,
            device=self.target.title,
        )


def _cell(bits: LayerBits) -> tuple[int, int]:
    return bits.weight_bits - 1, bits.activation_bits - 1


def _bits_in_order(spec: ModelSpec, policy: Policy) -> list[LayerBits]:
    names = [layer.name for layer in spec.layers]
    unknown = sorted(set(policy) - set(names))
    if unknown:
        raise InvalidConfig(
            "policy", f"{spec.model} has no layer {unknown[0]!r}; its first is {names[0]!r}"
        )
    missing = [name for name in names if name not in policy.layers]
    if missing:
        raise InvalidConfig("policy", f"layer {missing[0]!r} has no bits; give every layer its own")
    return [policy[name] for name in names]
