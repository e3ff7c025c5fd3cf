"""Latency on a phone: a table of measured blocks where there is one, else a fit to it.

The fit gives each operation a time for its multiply-accumulates and for the bytes it moves. The
time of a block that the table knows is shared among its layers in proportion to the fit, so that
a network's layers add up to the table's figures and each of them still has bits of its own.

The tables were measured in float. With 8-bit operands traffic falls by their bytes and
arithmetic takes half the time: an estimate. Below 8 bits there are no kernels, so nothing is
gained.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import fsum
from typing import Final

import numpy as np

from engine.cost.block_rows import BlockRows, block_rows
from engine.cost.model import LayerTable
from engine.schema.cost import Bound, Provenance
from engine.schema.layers import LayerSpec
from engine.schema.policy import MAX_BITS
from engine.schema.target import Target

_FLOAT_BYTES, _INT8_BYTES = 4, 1
_INT8_SHARE = 0.5  # of float's arithmetic
_IMAGE_CHANNELS = 4  # a convolution over at most these is a network's first

_REFERENCE_CLASSIFIER: Final = LayerSpec(
    name="classifier",
    kind="linear",
    in_channels=1280,
    out_channels=1000,
    weights=1_280_000,
    macs=1_280_000,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationFit:
    """Milliseconds of one operation from its shape.

    First convolutions and classifiers lie off the fit; theirs are scaled to a measured one.
    """

    dense_ms_per_gmac: float
    depthwise_ms_per_gmac: float
    activation_ms_per_gb: float
    weight_ms_per_gb: float
    depthwise_ms_per_goutput: float
    start_ms: float
    first_channels: int  # of the first convolution that was measured, 3x3 at stride 2 on 224 px
    first_ms: float
    classifier_ms: float  # 1280 to 1000

    def float_ms(self, layer: LayerSpec) -> float:
        """Return the time of a layer in float."""
        return self._scale(layer) * sum(self._terms(layer, _FLOAT_BYTES))

    def int8_ms(self, layer: LayerSpec) -> float:
        """Return the time of a layer on 8-bit operands."""
        return self._scale(layer) * sum(self._terms(layer, _INT8_BYTES))

    def bound(self, layer: LayerSpec) -> Bound:
        """Tell which term takes the most of an 8-bit layer's time."""
        terms = self._terms(layer, _INT8_BYTES)
        names: tuple[Bound, ...] = ("fill", "compute", "memory")
        return names[terms.index(max(terms))]

    def _terms(self, layer: LayerSpec, operand_bytes: int) -> tuple[float, float, float]:
        """Return the start, the arithmetic and the traffic of an operation, in ms."""
        is_depthwise = layer.kind == "depthwise"
        rate = self.depthwise_ms_per_gmac if is_depthwise else self.dense_ms_per_gmac
        outputs = layer.out_channels * layer.output_size**2 if is_depthwise else 0
        arithmetic = layer.macs * rate * (1.0 if operand_bytes == _FLOAT_BYTES else _INT8_SHARE)
        arithmetic += outputs * self.depthwise_ms_per_goutput
        traffic = operand_bytes * (
            layer.activations * self.activation_ms_per_gb + layer.weights * self.weight_ms_per_gb
        )
        return self.start_ms, arithmetic * 1e-9, traffic * 1e-9

    def _scale(self, layer: LayerSpec) -> float:
        if layer.kind == "linear":
            return self.classifier_ms / sum(self._terms(_REFERENCE_CLASSIFIER, _FLOAT_BYTES))
        if layer.kind == "conv" and layer.in_channels <= _IMAGE_CHANNELS:
            first = _first_convolution(self.first_channels)
            return self.first_ms / sum(self._terms(first, _FLOAT_BYTES))
        return 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Phone:
    """A fit, with a table's rows where there are any."""

    fit: OperationFit
    rows: BlockRows | None

    @classmethod
    def of(cls, target: Target) -> "Phone":
        """Return the formula of a catalogue entry."""
        constants = target.parameters
        fit = OperationFit(
            dense_ms_per_gmac=constants["dense_ms_per_gmac"],
            depthwise_ms_per_gmac=constants["depthwise_ms_per_gmac"],
            activation_ms_per_gb=constants["activation_ms_per_gb"],
            weight_ms_per_gb=constants["weight_ms_per_gb"],
            depthwise_ms_per_goutput=constants["depthwise_ms_per_goutput"],
            start_ms=constants["start_ms"],
            first_channels=int(constants["first_channels"]),
            first_ms=constants["first_ms"],
            classifier_ms=constants["classifier_ms"],
        )
        return cls(fit=fit, rows=block_rows(target.table) if target.table else None)

    def layer_tables(self, layers: Sequence[LayerSpec]) -> Sequence[LayerTable]:
        """Return each layer's share of its block's time, in float and at every pair of widths."""
        tables = [_layer_table(self.fit, layer) for layer in layers]
        for match in self.rows.matches(layers) if self.rows else []:
            block = tables[match.start : match.stop]
            ratio = match.ms / fsum(table.float_values["latency_ms"] for table in block)
            tables[match.start : match.stop] = [_scaled(table, ratio) for table in block]
        return tables


def _first_convolution(channels: int) -> LayerSpec:
    weights = 3 * 9 * channels
    return LayerSpec(
        name="first",
        kind="conv",
        in_channels=3,
        out_channels=channels,
        kernel_size=3,
        stride=2,
        input_size=224,
        output_size=112,
        weights=weights,
        macs=weights * 112**2,
    )


@lru_cache(maxsize=4096)
def _layer_table(fit: OperationFit, layer: LayerSpec) -> LayerTable:
    return _constant_table(
        float_ms=fit.float_ms(layer),
        int8_ms=fit.int8_ms(layer),
        bound=fit.bound(layer),
        float_provenance="fit",
    )


def _scaled(table: LayerTable, ratio: float) -> LayerTable:
    """Return a layer's share of a measured block."""
    return replace(
        table,
        values={metric: values * ratio for metric, values in table.values.items()},
        float_values={metric: value * ratio for metric, value in table.float_values.items()},
        float_provenance="table",
    )


def _constant_table(
    *, float_ms: float, int8_ms: float, bound: Bound, float_provenance: Provenance
) -> LayerTable:
    """Return a table in which no width below 8 bits gains anything."""
    latency_ms = np.full((MAX_BITS, MAX_BITS), int8_ms)
    latency_ms.setflags(write=False)  # shared by every caller
    return LayerTable(
        values={"latency_ms": latency_ms},
        float_values={"latency_ms": float_ms},
        bound=np.full(latency_ms.shape, bound),
        provenance="estimate",
        float_provenance=float_provenance,
    )
