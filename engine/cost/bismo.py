"""Latency on BISMO, a bit-serial matrix multiplier, in HAQ's cloud configuration.

A convolution is lowered to a product of matrices, one bit plane at a time. The cycle counts
were derived from the published latencies and layer table of Wang et al. 2019 and from the
overlay's stages (Umuroglu et al. 2018): fetch, execute, result.

Letters: w, a weight and activation bits; M rows (batch x output pixels), K depth, N columns;
D rows and columns of the array; P bits of a memory word; Q bits of the activation buffer.
Intermediate times are in units of D cycles; arrays run over [w - 1, a - 1].
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from engine.cost.model import FloatArray, LayerTable
from engine.schema.layers import LayerSpec
from engine.schema.policy import MAX_BITS
from engine.schema.target import Target

_w = np.arange(1, MAX_BITS + 1, dtype=np.float64)[:, None]
_a = np.arange(1, MAX_BITS + 1, dtype=np.float64)[None, :]

Bounds = npt.NDArray[np.str_]


@dataclass(frozen=True, slots=True, kw_only=True)
class BismoCloud:
    """The formula with the constants of one device."""

    batch: int
    array: int
    word_bits: int
    buffer_bits: int
    clock_hz: float

    @classmethod
    def of(cls, target: Target) -> "BismoCloud":
        """Return the formula of a catalogue entry."""
        constants = target.parameters
        return cls(
            batch=target.batch,
            array=int(constants["array"]),
            word_bits=int(constants["word_bits"]),
            buffer_bits=int(constants["buffer_bits"]),
            clock_hz=constants["clock_hz"],
        )

    def layer_table(self, layer: LayerSpec) -> LayerTable:
        """Return the latency of one layer for the whole batch, at every pair of widths."""
        return _layer_table(self, layer)

    def cycles(self, layer: LayerSpec) -> tuple[FloatArray, Bounds]:
        """Return clock cycles for the whole batch and what they are spent on; shapes (8, 8)."""
        rows = self.batch * layer.output_size**2
        taps = layer.kernel_size**2
        if layer.kind == "linear":
            return self._linear(layer.in_channels, layer.out_channels)
        if layer.kind == "depthwise":
            return self._depthwise(rows, taps, layer.out_channels)
        cycles, bound = self._dense(
            rows, taps * layer.in_channels // layer.groups, layer.out_channels // layer.groups
        )
        return layer.groups * cycles, bound

    def _dense(self, M: int, K: int, N: int) -> tuple[FloatArray, Bounds]:
        """Return the better of two schedules: weights stay in the array, or activations do."""
        D, P = self.array, self.word_bits
        depth, columns, squares = _ceil(K / P), _ceil(N / D), _ceil(M / D**2)
        load = depth * M / D
        weight_tiles = columns * _w
        reloads = np.ceil(depth * M * P * _a / self.buffer_bits)  # of the weights
        planes = _a if columns > 1 else 1.0

        memory = _a * load + depth * (weight_tiles - 1) * reloads * planes
        compute = depth * weight_tiles * _a * squares
        fill = reloads * depth * ((D - 1) * weight_tiles - (weight_tiles - 1) * (_a - 1))
        weights_stay = np.maximum(memory, compute + fill)

        product = _w * _a * depth * ((columns - 1) * squares + 1)
        activations_stay = _a * (load - depth) + product
        weight_load = _w * depth * (D * columns + (squares - 1) * _a) + _w * (_a - 1)
        alternative = np.maximum.reduce([activations_stay, weight_load, memory])

        time = np.minimum(weights_stay, alternative)
        is_first = weights_stay <= alternative
        bound = np.select(
            [
                time <= memory,
                is_first & (fill > compute),
                ~is_first & (weight_load >= activations_stay),
                ~is_first & (_a * (load - depth) > product),
            ],
            ["memory", "fill", "fill", "memory"],
            "compute",
        )
        return D * time, bound

    def _depthwise(self, M: int, taps: int, channels: int) -> tuple[FloatArray, Bounds]:
        """Return the longer of moving the pixels and multiplying them.

        A memory word carries one bit plane of D channels' windows, P / D taps of each. Kernels
        with more taps take several words; that case extends the formula, no table confirms it.
        """
        D, P = self.array, self.word_bits
        words, columns, squares = _ceil(taps * D / P), _ceil(channels / D), _ceil(M / D**2)
        reloads = np.ceil(words * M * P * _a / self.buffer_bits)
        resident = max(1, squares // 3)  # weight planes that need no second fetch: an empirical fit

        pixels = _a * M / D
        many_tiles = pixels + (_w - 1) * reloads
        one_tile = pixels + (_w - 1) + _a * np.maximum(0, _w - resident)
        memory = np.where((reloads > 1) | (squares >= D), many_tiles, one_tile)
        fill = _w * (D - 1)
        compute = _w * squares + (_a - 1) * (_w * (squares - 1) + 1)

        time = np.maximum(memory, fill + compute)
        bound = np.select([time <= memory, fill > compute], ["memory", "fill"], "compute")
        return D * words * columns * time, bound

    def _linear(self, K: int, N: int) -> tuple[FloatArray, Bounds]:
        """Return the time of streaming the weights, one word a cycle; activations hide in it."""
        cycles = _w * _ceil(K / self.word_bits) * N + (_a - 1) * np.ceil(_w / 4)
        return cycles, np.full(cycles.shape, "memory")


@lru_cache(maxsize=4096)
def _layer_table(formula: BismoCloud, layer: LayerSpec) -> LayerTable:
    cycles, bound = formula.cycles(layer)
    latency_ms = cycles / formula.clock_hz * 1e3
    latency_ms.setflags(write=False)  # shared by every caller
    return LayerTable(values={"latency_ms": latency_ms}, bound=bound)


def _ceil(ratio: float) -> int:
    return int(np.ceil(ratio))
