"""Metrics that need no device: bytes and operations, counted from shapes."""

from collections.abc import Iterable
from functools import lru_cache
from math import fsum

import numpy as np

from engine.cost.model import FloatArray
from engine.schema.cost import PEAK_METRICS, Metric
from engine.schema.layers import LayerSpec, ModelSpec
from engine.schema.policy import MAX_BITS

FLOAT_BYTES = 4
_w = np.arange(1, MAX_BITS + 1, dtype=np.float64)[:, None]
_a = np.arange(1, MAX_BITS + 1, dtype=np.float64)[None, :]


@lru_cache(maxsize=16384)
def counted_table(layer: LayerSpec, metric: Metric) -> FloatArray:
    """Return a counted metric of one layer at every pair of widths; shape (8, 8), read-only."""
    counts = np.empty((MAX_BITS, MAX_BITS))
    if metric == "model_bytes":
        counts[:] = layer.weights * _w / 8
    elif metric == "bit_ops":
        counts[:] = layer.macs * _w * _a
    elif metric == "peak_activation_bytes":
        counts[:] = layer.activations * _a / 8
    else:
        counts[:] = layer.macs
    counts.setflags(write=False)  # shared by every caller
    return counts


def counted_fixed_cost(spec: ModelSpec, metric: Metric) -> float:
    """Return what no policy changes: biases and batch norm stay at 32 bits."""
    return float(spec.other_parameters * FLOAT_BYTES) if metric == "model_bytes" else 0.0


def float_layer_counts(layer: LayerSpec) -> dict[Metric, float]:
    """Return the counted metrics of one float layer but for bit operations: it has none."""
    return {
        "model_bytes": float(layer.weights * FLOAT_BYTES),
        "macs": float(layer.macs),
        "peak_activation_bytes": float(layer.activations * FLOAT_BYTES),
    }


def network_total(metric: Metric, parts: Iterable[float]) -> float:
    """Return what parts of a network come to: their sum, rounded once, or the most of them."""
    return max(parts, default=0.0) if metric in PEAK_METRICS else fsum(parts)
