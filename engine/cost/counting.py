"""Metrics that need no device: bytes and operations, counted from shapes."""

from typing import Final

import numpy as np

from engine.cost.model import FloatArray
from engine.schema.cost import Metric
from engine.schema.layers import LayerSpec, ModelSpec
from engine.schema.policy import MAX_BITS

COUNTED_METRICS: Final[tuple[Metric, ...]] = ("model_bytes", "macs", "bit_ops")
FLOAT_BYTES = 4
_BITS = np.arange(1, MAX_BITS + 1, dtype=np.float64)
_ONES = np.ones((MAX_BITS, MAX_BITS))


def counted_table(layer: LayerSpec, metric: Metric) -> FloatArray:
    """Return a counted metric of one layer at every pair of widths; shape (8, 8)."""
    if metric == "model_bytes":
        return layer.weights * _BITS[:, None] * _ONES / 8
    if metric == "bit_ops":
        return layer.macs * _BITS[:, None] * _BITS[None, :]
    return layer.macs * _ONES


def counted_fixed_cost(spec: ModelSpec, metric: Metric) -> float:
    """Return what no policy changes: biases and batch norm stay at 32 bits."""
    return float(spec.other_parameters * FLOAT_BYTES) if metric == "model_bytes" else 0.0


def float_counts(spec: ModelSpec) -> dict[Metric, float]:
    """Return the counted metrics of the float network; bit operations are not among them."""
    return {
        "model_bytes": float(spec.parameters * FLOAT_BYTES),
        "macs": float(sum(layer.macs for layer in spec.layers)),
    }


def float_layer_counts(layer: LayerSpec) -> dict[Metric, float]:
    """Return the counted metrics of one float layer, its weights alone."""
    return {"model_bytes": float(layer.weights * FLOAT_BYTES), "macs": float(layer.macs)}
