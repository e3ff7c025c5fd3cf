"""Latency on a phone: a table of measured blocks where there is one, else a fit to it.

The fit gives each operation a time for its multiply-accumulates and for the bytes it moves. The
time of a block that the table knows is shared among its layers in proportion to the fit, so that
a network's layers add up to the table's figures and each of them still has bits of its own.

The tables were measured in float. With 8-bit operands traffic falls by their bytes and
arithmetic takes half the time: an estimate. Below 8 bits there are no kernels, so nothing is
gained.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import fsum
from typing import Final

import numpy as np

from engine.cost.block_rows import BlockRows, block_rows
from engine.cost.model import LayerTable
from engine.schema.cost import Provenance
from engine.schema.layers import LayerSpec
from engine.schema.policy import MAX_BITS
from engine.schema.target import Target

_FLOAT_BYTES, _INT8_BYTES = 4, 1
_INT8_ARITHMETIC = 0.5  # of float's time
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
        return self._scale(layer) * self._fitted_ms(layer, _FLOAT_BYTES, 1.0)

    def int8_ms(self, layer: LayerSpec) -> float:
        """Return the time of a layer on 8-bit operands."""
        return self._scale(layer) * self._fitted_ms(layer, _INT8_BYTES, _INT8_ARITHMETIC)

    def _fitted_ms(self, layer: LayerSpec, operand_bytes: int, arithmetic: float) -> float:
        is_depthwise = layer.kind == "depthwise"
        rate = self.depthwise_ms_per_gmac if is_depthwise else self.dense_ms_per_gmac
        outputs = layer.out_channels * layer.output_size**2 if is_depthwise else 0
        return self.start_ms + 1e-9 * (
            layer.macs * rate * arithmetic
            + layer.activations * operand_bytes * self.activation_ms_per_gb
            + layer.weights * operand_bytes * self.weight_ms_per_gb
            + outputs * self.depthwise_ms_per_goutput
        )

    def _scale(self, layer: LayerSpec) -> float:
        if layer.kind == "linear":
            return self.classifier_ms / self._fitted_ms(_REFERENCE_CLASSIFIER, _FLOAT_BYTES, 1.0)
        if layer.kind == "conv" and layer.in_channels <= _IMAGE_CHANNELS:
            first = _first_convolution(self.first_channels)
            return self.first_ms / self._fitted_ms(first, _FLOAT_BYTES, 1.0)
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
        float_ms=fit.float_ms(layer), int8_ms=fit.int8_ms(layer), float_provenance="fit"
    )


def _scaled(table: LayerTable, ratio: float) -> LayerTable:
    """Return a layer's share of a measured block."""
    return _constant_table(
        float_ms=table.float_values["latency_ms"] * ratio,
        int8_ms=table.at("latency_ms", (0, 0)) * ratio,
        float_provenance="table",
    )


def _constant_table(*, float_ms: float, int8_ms: float, float_provenance: Provenance) -> LayerTable:
    shape = (MAX_BITS, MAX_BITS)
    return LayerTable(
        values={"latency_ms": np.full(shape, int8_ms)},
        float_values={"latency_ms": float_ms},
        bound=np.full(shape, "compute"),
        provenance="estimate",
        float_provenance=float_provenance,
    )
