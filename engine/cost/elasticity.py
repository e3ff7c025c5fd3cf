"""What fewer bits save where: why the best policies of two devices differ.

Bits are taken from all layers of one kind at once, weights or activations, and the rest of the
network stays at 8. Wang et al. 2019 (HAQ) read off such differences why the edge device wants
narrow activations in depthwise layers and the cloud device does not.
"""

from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np

from engine.cost.counting import network_total
from engine.cost.model import CostModel, FloatArray
from engine.schema.cost import Metric
from engine.schema.layers import LayerKind, ModelSpec
from engine.schema.policy import MAX_BITS

Operand = Literal["weights", "activations"]

_FULL = MAX_BITS - 1  # index of 8 bits
_ONE_LESS, _HALF = _FULL - 1, MAX_BITS // 2 - 1
_OPERANDS: Final[tuple[Operand, ...]] = get_args(Operand)


@dataclass(frozen=True, slots=True, kw_only=True)
class Saving:
    """What bits taken from one operand of all layers of one kind save of a network's cost."""

    kind: LayerKind
    operand: Operand
    layers: int  # of that kind
    share: float  # of the cost that these layers have at 8 bits, 0-1
    one_bit: float  # share of the network's cost saved by 7 bits instead of 8; may be negative
    half: float  # by 4 bits instead of 8


def savings(spec: ModelSpec, cost_model: CostModel, metric: Metric) -> tuple[Saving, ...]:
    """Return a row for each kind of layer in the network and each operand.

    Raises:
        InvalidConfig: the target does not know the metric.
    """
    table = cost_model.cost_table(spec.layers, metric)
    fixed = cost_model.fixed_cost(spec, metric)
    full = table[:, _FULL, _FULL]
    total = network_total(metric, [fixed, *full])
    kinds = np.array([layer.kind for layer in spec.layers])

    def saved(changed: FloatArray) -> float:
        return 1 - network_total(metric, [fixed, *changed]) / total

    rows = []
    for kind in dict.fromkeys(layer.kind for layer in spec.layers):
        chosen = kinds == kind
        for operand in _OPERANDS:
            one_bit, half = (
                saved(np.where(chosen, _column(table, operand, bits), full))
                for bits in (_ONE_LESS, _HALF)
            )
            rows.append(
                Saving(
                    kind=kind,
                    operand=operand,
                    layers=int(chosen.sum()),
                    share=network_total(metric, full[chosen]) / total,
                    one_bit=one_bit,
                    half=half,
                )
            )
    return tuple(rows)


def _column(table: FloatArray, operand: Operand, bits: int) -> FloatArray:
    """Return every layer's cost with one operand narrower, the other at 8 bits."""
    column: FloatArray = table[:, bits, _FULL] if operand == "weights" else table[:, _FULL, bits]
    return column
