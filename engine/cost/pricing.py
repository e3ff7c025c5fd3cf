"""From a target to its cost model: the device's formula with the counted metrics beside it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from engine.cost.bismo import BismoCloud
from engine.cost.bismo_edge import BismoEdge
from engine.cost.bitfusion import BitFusion
from engine.cost.correction import end_to_end, overhead_ms
from engine.cost.counting import (
    FLOAT_BYTES,
    counted_fixed_cost,
    counted_table,
    float_layer_counts,
    network_total,
)
from engine.cost.lookup_table import lookup_table
from engine.cost.microcontroller import Microcontroller
from engine.cost.model import (
    Cell,
    CostModel,
    DeviceFormula,
    FloatArray,
    LayerByLayer,
    LayerFormula,
    LayerTable,
)
from engine.cost.npu import Npu
from engine.cost.phone import Phone
from engine.cost.roofline import Roofline
from engine.cost.systolic import SystolicArray
from engine.schema.architecture import Architecture, BlockSpec, OpSpec
from engine.schema.cost import COUNTED_METRICS, WEIGHT_METRICS, Cost, Metric, Provenance, Value
from engine.schema.errors import InvalidConfig
from engine.schema.layers import LayerSpec, ModelSpec
from engine.schema.lowering import block_layers, block_parameters, model_spec
from engine.schema.policy import FLOAT_BITS, MAX_BITS, LayerBits, Policy
from engine.schema.target import Target

# Where a network mixes several, it is known no better than by the last of them.
_SURENESS: tuple[Provenance, ...] = (
    "counted",
    "measured",
    "table",
    "simulated",
    "fit",
    "estimate",
)


def _layer_by_layer(
    formula_of: Callable[[Target], LayerFormula],
) -> Callable[[Target], DeviceFormula]:
    return lambda target: LayerByLayer(formula_of(target))


# A new kind of device adds its formula here; a new device of a known kind is a catalogue entry.
_FORMULAS: dict[str, Callable[[Target], DeviceFormula | None]] = {
    "bismo-cloud": _layer_by_layer(BismoCloud.of),
    "bismo-edge": _layer_by_layer(BismoEdge.of),
    "bitfusion": _layer_by_layer(BitFusion.of),
    "phone": Phone.of,
    "roofline": _layer_by_layer(Roofline.of),
    "microcontroller": _layer_by_layer(Microcontroller.of),
    "npu": _layer_by_layer(Npu.of),
    "systolic": _layer_by_layer(SystolicArray.of),
    "table": lookup_table,
    "counted": lambda _: None,
}


def cost_model(target: Target) -> CostModel:
    """Return the cost model of a target."""
    return _TargetCosts(target=target, formula=_FORMULAS[target.formula](target))


class _Row(NamedTuple):
    """One layer with its table and its place in it."""

    layer: LayerSpec
    table: LayerTable | None  # None: nothing but counts is known
    cell: Cell | None  # None: float

    def at(self, metric: Metric) -> float:
        """The layer's value of a metric."""
        if metric not in COUNTED_METRICS:
            assert self.table is not None
            return self.table.at(metric, self.cell)
        if self.cell is None:
            return float_layer_counts(self.layer)[metric]
        return float(counted_table(self.layer, metric)[self.cell])


@dataclass(frozen=True, slots=True, kw_only=True)
class _TargetCosts:
    """A device's own metrics and the counted ones, added up over layers.

    Sums are rounded once (`network_total`), so that a policy costs the same to the last bit
    whoever adds its layers up, and in whatever order.
    """

    target: Target
    formula: DeviceFormula | None

    def layer_cost(self, layer: LayerSpec, bits: LayerBits | None) -> Cost:
        (row,) = self._rows([layer], [_cell(bits)])
        return self._row_cost(row, self._metrics(bits))

    def block_cost(self, block: BlockSpec, op: OpSpec, bits: LayerBits | None) -> Cost:
        layers = block_layers(block, op)
        affine = block_parameters(block, op) - sum(layer.weights for layer in layers)
        return self._cost(
            self._rows(layers, [_cell(bits)] * len(layers)),
            self._metrics(bits),
            fixed={"model_bytes": float(affine * FLOAT_BYTES)},
        )

    def network_cost(self, network: ModelSpec | Architecture, policy: Policy | None) -> Cost:
        spec = model_spec(network) if isinstance(network, Architecture) else network
        return self._cost(
            self._rows(spec.layers, _cells_in_order(spec, policy)),
            self._metrics(_telling(policy)),
            fixed={
                **{metric: self.fixed_cost(spec, metric) for metric in COUNTED_METRICS},
                "latency_ms": overhead_ms(self.target, is_float=policy is None),
            },
            share=end_to_end(self.target, is_float=policy is None),
        )

    def layer_costs(self, spec: ModelSpec, policy: Policy | None) -> tuple[Cost, ...]:
        rows = self._rows(spec.layers, _cells_in_order(spec, policy))
        share = end_to_end(self.target, is_float=policy is None)
        metrics = self._metrics(_telling(policy))
        return tuple(self._row_cost(row, metrics, share=share) for row in rows)

    def cost_table(self, layers: Sequence[LayerSpec], metric: Metric) -> FloatArray:
        if metric not in self.target.metrics:
            raise InvalidConfig(
                "metric",
                f"{self.target.id} does not know {metric}; "
                f"choose one of {', '.join(self.target.metrics)}",
            )
        if not layers:
            return np.zeros((0, MAX_BITS, MAX_BITS))
        if metric in COUNTED_METRICS:
            return np.stack([counted_table(layer, metric) for layer in layers])
        tables = np.stack([table.values[metric] for table in self._tables(layers) if table])
        return tables * (self.target.end_to_end if metric == "latency_ms" else 1.0)

    def fixed_cost(self, spec: ModelSpec, metric: Metric) -> float:
        if metric == "latency_ms":
            return overhead_ms(self.target, is_float=False)
        return counted_fixed_cost(spec, metric)

    def _metrics(self, bits: LayerBits | None) -> tuple[Metric, ...]:
        """Return what is known at bits, with float activations, or of float."""
        if bits is not None:
            is_weights_only = bits.activation_bits == FLOAT_BITS
            return WEIGHT_METRICS if is_weights_only else self.target.metrics
        known = self.target.metrics if self.target.float_bits else COUNTED_METRICS
        return tuple(metric for metric in known if metric != "bit_ops")

    def _tables(self, layers: Sequence[LayerSpec]) -> Sequence[LayerTable | None]:
        return [None] * len(layers) if self.formula is None else self.formula.layer_tables(layers)

    def _rows(self, layers: Sequence[LayerSpec], cells: Sequence[Cell | None]) -> list[_Row]:
        return list(map(_Row, layers, self._tables(layers), cells))

    def _row_cost(self, row: _Row, metrics: Sequence[Metric], *, share: float = 1.0) -> Cost:
        bound = None if row.table is None else row.table.bound_at(row.cell)
        return replace(self._cost([row], metrics, share=share), bound=bound)

    def _cost(
        self,
        rows: Sequence[_Row],
        metrics: Sequence[Metric],
        *,
        fixed: Mapping[Metric, float] | None = None,
        share: float = 1.0,
    ) -> Cost:
        """Return what rows come to, latencies multiplied by the share of them that counts."""
        provenance = self._provenance(rows)
        values: dict[Metric, Value] = {}
        for metric in metrics:
            factor = share if metric == "latency_ms" else 1.0
            parts = [row.at(metric) * factor for row in rows]
            total = network_total(metric, [(fixed or {}).get(metric, 0.0), *parts])
            values[metric] = (
                Value(value=total, provenance="counted")
                if metric in COUNTED_METRICS
                else Value(
                    value=total,
                    provenance=provenance,
                    validation=self.target.validation,
                    device=self.target.title,
                )
            )
        return Cost(values=values)

    def _provenance(self, rows: Sequence[_Row]) -> Provenance:
        """Return how the least sure of some rows is known."""
        own = self.target.provenance
        known = {row.table.sureness(row.cell) or own for row in rows if row.table is not None}
        return max(known, key=_SURENESS.index, default=own)


def _cell(bits: LayerBits | None) -> Cell | None:
    # No metric that float activations leave known hangs on the second index.
    return None if bits is None else (bits.weight_bits - 1, min(bits.activation_bits, MAX_BITS) - 1)


def _telling(policy: Policy | None) -> LayerBits | None:
    """Return bits that stand for what is known of a policy: a layer's with float activations."""
    if policy is None:
        return None
    return max(policy.layers.values(), key=lambda bits: bits.activation_bits)


def _cells_in_order(spec: ModelSpec, policy: Policy | None) -> list[Cell | None]:
    if policy is None:
        return [None] * len(spec.layers)
    names = [layer.name for layer in spec.layers]
    unknown = sorted(set(policy) - set(names))
    if unknown:
        raise InvalidConfig(
            "policy", f"{spec.model} has no layer {unknown[0]!r}; its first is {names[0]!r}"
        )
    missing = [name for name in names if name not in policy.layers]
    if missing:
        raise InvalidConfig("policy", f"layer {missing[0]!r} has no bits; give every layer its own")
    return [_cell(policy[name]) for name in names]
