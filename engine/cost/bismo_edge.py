"""Latency on BISMO in HAQ's edge configuration: a fit to eight published totals.

Wang et al. 2019 print the latencies of MobileNetV1 and V2 at 4, 5, 6 and 8 bits, and no layer by
itself. They grow almost linearly with the bits, which points at the activations of depthwise
layers: one beat of the memory bus for each channel, pixel and bit plane.

Letters: w, a the widths; M rows (output pixels), K depth, N columns; D rows and columns of the
array. Arrays run over [w - 1, a - 1].
"""

from dataclasses import dataclass
from functools import lru_cache
from math import ceil

import numpy as np

from engine.cost.model import FloatArray, LayerTable
from engine.schema.layers import LayerSpec
from engine.schema.policy import MAX_BITS
from engine.schema.target import Target

_DEPTHWISE_BEATS = 0.98  # of the memory bus for each channel, pixel and bit plane
_WEIGHT_BEATS = 16  # for each column and bit plane of a dot product's depth
_FILL = 0.5  # of a square of rows, for each tile of weights
_w = np.arange(1, MAX_BITS + 1, dtype=np.float64)[:, None]
_a = np.arange(1, MAX_BITS + 1, dtype=np.float64)[None, :]


@dataclass(frozen=True, slots=True, kw_only=True)
class BismoEdge:
    """The formula with the constants of one device."""

    array: int
    depth_bits: int
    bus_bits: int
    clock_hz: float

    @classmethod
    def of(cls, target: Target) -> "BismoEdge":
        """Return the formula of a catalogue entry."""
        constants = target.parameters
        return cls(
            array=int(constants["array"]),
            depth_bits=int(constants["depth_bits"]),
            bus_bits=int(constants["bus_bits"]),
            clock_hz=constants["clock_hz"],
        )

    def layer_table(self, layer: LayerSpec) -> LayerTable:
        """Return the latency of one layer for one image, at every pair of widths."""
        return _layer_table(self, layer)

    def stages(self, layer: LayerSpec) -> tuple[FloatArray, FloatArray]:
        """Return clock cycles of fetching and of multiplying; shapes (8, 8)."""
        pixels, taps = layer.output_size**2, layer.kernel_size**2
        if layer.kind == "depthwise":
            beats = ceil(taps / self.bus_bits) * layer.out_channels * pixels
            fetch = np.broadcast_to(_DEPTHWISE_BEATS * beats * _a, (MAX_BITS, MAX_BITS))
            return fetch, self._multiply(pixels, taps, layer.out_channels)
        K, N = taps * layer.in_channels // layer.groups, layer.out_channels // layer.groups
        depth = ceil(K / self.depth_bits)
        fetch = depth * (pixels * _a + _WEIGHT_BEATS * N * _w)
        return layer.groups * fetch, layer.groups * self._multiply(pixels, K, N)

    def _multiply(self, M: int, K: int, N: int) -> FloatArray:
        D = self.array
        tiles = ceil(K / self.depth_bits) * ceil(N / D)
        cycles: FloatArray = D * tiles * _w * _a * (ceil(M / D**2) + _FILL)
        return cycles


@lru_cache(maxsize=4096)
def _layer_table(formula: BismoEdge, layer: LayerSpec) -> LayerTable:
    fetch, multiply = formula.stages(layer)
    latency_ms = np.maximum(fetch, multiply) / formula.clock_hz * 1e3
    latency_ms.setflags(write=False)  # shared by every caller
    return LayerTable(
        values={"latency_ms": latency_ms},
        bound=np.where(fetch >= multiply, "memory", "compute"),
    )
