"""Latency and energy on a plain systolic array: the cycles of SCALE-Sim, Samajdar et al. 2018.

Output stationary: the array holds a tile of outputs, its rows and columns, while operands stream
through it for the depth of the product; a fold of the array takes 2 rows + columns + depth - 2
cycles. Operands have one width whatever their bits, so arithmetic gains nothing below it;
traffic and energy follow the bits.

Energy is counted in multiply-accumulates: a register's access takes 1 of them, the way between
neighbours 2, the global buffer 6, memory 200 (Chen et al. 2016, Eyeriss).
"""

from dataclasses import dataclass
from functools import lru_cache
from math import ceil

import numpy as np

from engine.cost.model import LayerTable
from engine.schema.layers import LayerSpec
from engine.schema.policy import MAX_BITS
from engine.schema.target import Target

_REGISTER, _NEIGHBOUR, _BUFFER, _MEMORY = 1, 2, 6, 200
_w = np.arange(1, MAX_BITS + 1, dtype=np.float64)[:, None]
_a = np.arange(1, MAX_BITS + 1, dtype=np.float64)[None, :]


@dataclass(frozen=True, slots=True, kw_only=True)
class SystolicArray:
    """The formula with the constants of one array."""

    rows: int
    columns: int
    word_bits: int
    clock_hz: float
    bandwidth: float  # of memory, bytes per second
    mac_pj: float  # of one multiply-accumulate of full words

    @classmethod
    def of(cls, target: Target) -> "SystolicArray":
        """Return the formula of a catalogue entry."""
        constants = target.parameters
        return cls(
            rows=int(constants["rows"]),
            columns=int(constants["columns"]),
            word_bits=int(constants["word_bits"]),
            clock_hz=constants["clock_hz"],
            bandwidth=constants["bandwidth"],
            mac_pj=constants["mac_pj"],
        )

    def layer_table(self, layer: LayerSpec) -> LayerTable:
        """Return latency and energy of one layer at every pair of widths."""
        return _layer_table(self, layer)

    def folds(self, layer: LayerSpec) -> tuple[int, int]:
        """Return how often the array is filled, and the depth of one product.

        A depthwise layer is one product with a single column for each channel.
        """
        groups = layer.groups
        N = layer.out_channels // groups
        tiles = ceil(layer.output_size**2 / self.rows) * ceil(N / self.columns)
        return groups * tiles, layer.kernel_size**2 * layer.in_channels // groups


@lru_cache(maxsize=4096)
def _layer_table(formula: SystolicArray, layer: LayerSpec) -> LayerTable:
    folds, depth = formula.folds(layer)
    fold_cycles = 2 * formula.rows + formula.columns + depth - 2
    compute_ms = folds * fold_cycles / formula.clock_hz * 1e3
    moved_bits = layer.activations * _a + layer.weights * _w
    memory_ms = moved_bits / 8 / formula.bandwidth * 1e3
    latency_ms = np.maximum(compute_ms, memory_ms)
    latency_ms.setflags(write=False)  # shared by every caller

    outputs = layer.out_channels * layer.output_size**2
    streamed_bits = folds * depth * (formula.rows * _a + formula.columns * _w) + outputs * _a
    # Each multiply-accumulate reads two operands and updates a sum of a full word.
    computed_bits = layer.macs * (formula.word_bits + _REGISTER * (_w + _a + formula.word_bits))
    energy_bits = computed_bits + (_NEIGHBOUR + _BUFFER) * streamed_bits + _MEMORY * moved_bits
    energy_mj = energy_bits / formula.word_bits * formula.mac_pj * 1e-9
    energy_mj.setflags(write=False)
    return LayerTable(
        values={"latency_ms": latency_ms, "energy_mj": energy_mj},
        bound=np.where(memory_ms > compute_ms, "memory", "compute"),
    )
