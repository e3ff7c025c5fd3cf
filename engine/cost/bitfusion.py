"""Latency and energy on BitFusion, an array whose multipliers fuse from 2-bit bricks.

Sharma et al. 2018. Widths that the bricks do not form (3, 5, 6, 7) compute as the next one up,
while memory traffic keeps their exact bits. Wang et al. 2019 (HAQ) report the 8 x 8 array for
MobileNetV1; its energies fix the two constants of energy. Wang et al. 2020 (APQ) release a table
of layers for the 16 x 32 array; its depthwise layers run in groups of channels, each a small
dense product.

Letters: N rows (inputs) and M columns (outputs) of the array; g products that one fused unit
forms at once; w, a the widths. Sizes are in bits, times in cycles, one image at a time.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product
from math import ceil
from typing import NamedTuple

import numpy as np

from engine.cost.model import FloatArray, LayerTable
from engine.cost.tiling import Cuts, Energy, Memory, fastest_schedule
from engine.schema.layers import LayerSpec
from engine.schema.policy import MAX_BITS
from engine.schema.target import Target

_SUM_BITS = 32  # of a partial sum
_IMAGE_CHANNELS = 4  # an input of at most these is an image: its windows are unrolled (im2col)
_w = np.arange(1, MAX_BITS + 1, dtype=np.float64)[:, None]
_a = np.arange(1, MAX_BITS + 1, dtype=np.float64)[None, :]
_g = np.floor(MAX_BITS / np.maximum(_w, 2)) * np.floor(MAX_BITS / np.maximum(_a, 2))


@dataclass(frozen=True, slots=True, kw_only=True)
class BitFusion:
    """The formula with the constants of one configuration."""

    rows: int
    columns: int
    memory: Memory
    energy: Energy  # on-chip buffers are in a cycle's
    clock_hz: float
    grouped: "BitFusion | None" = None  # how depthwise layers run; None: one channel a column

    @classmethod
    def of(cls, target: Target) -> "BitFusion":
        """Return the formula of a catalogue entry; half of each buffer is being filled."""
        constants = target.parameters
        memory = Memory(
            weight_bits=constants["weight_buffer_bits"] / 2,
            activation_bits=constants["activation_buffer_bits"] / 2,
            output_bits=constants["output_buffer_bits"] / 2,
            bits_per_cycle=constants["memory_bits_per_cycle"],
        )
        whole = cls(
            rows=int(constants["rows"]),
            columns=int(constants["columns"]),
            memory=memory,
            energy=Energy(constants["core_pj_per_cycle"], constants["memory_pj_per_bit"]),
            clock_hz=constants["clock_hz"],
        )
        if "group_rows" not in constants:
            return whole
        part = replace(
            memory,
            activation_bits=constants["group_activation_buffer_bits"] / 2,
            output_bits=constants["group_output_buffer_bits"] / 2,
        )
        grouped = replace(whole, rows=int(constants["group_rows"]), memory=part)
        return replace(whole, grouped=grouped)

    def layer_table(self, layer: LayerSpec) -> LayerTable:
        """Return latency and energy of one layer at every pair of widths."""
        if layer.kind == "depthwise" and self.grouped is not None:
            return _grouped_table(self.grouped, _Work.of(layer))
        return _layer_table(self, _Work.of(layer))

    def cuts(self, work: "_Work") -> Cuts:
        """Return every way to cut a layer into tiles, with the tiles' sizes and cycles."""
        side, inputs, outputs = _tilings(work, columns=self.columns)
        fused = self.rows * _g
        if work.unrolled:
            pixels = side**2 * work.taps
            steps = np.ceil(work.taps * inputs / fused)
        else:
            pixels = (side * work.stride - work.stride + work.span) ** 2
            steps = work.taps * np.ceil(inputs / fused)
        across = np.ceil(work.side / side)
        along_inputs, along_outputs = np.ceil(work.inputs / inputs), np.ceil(work.outputs / outputs)
        tiles = across**2 * along_inputs * along_outputs
        return Cuts(
            trips={
                "row": across[:, 0, 0],
                "column": across[:, 0, 0],
                "input": along_inputs[:, 0, 0],
                "output": along_outputs[:, 0, 0],
            },
            weights=np.ceil(work.taps * inputs / fused) * fused * outputs * _w,
            activations=pixels * inputs * _a,
            outputs=side**2 * outputs * _SUM_BITS,
            compute=tiles * np.ceil(outputs / self.columns) * side**2 * steps,
        )


class _Work(NamedTuple):
    """A layer as the array sees it: equal products, one after the other."""

    side: int  # of the output map
    inputs: int
    outputs: int
    taps: int  # of a window
    span: int  # side of a window, dilation included
    stride: int
    unrolled: bool  # are windows laid out as inputs (im2col)?
    repeats: int

    @classmethod
    def of(cls, layer: LayerSpec) -> "_Work":
        """Return a layer's products; a depthwise one feeds each channel's window by itself."""
        depthwise = layer.kind == "depthwise"
        groups = 1 if depthwise else layer.groups
        return cls(
            side=layer.output_size,
            inputs=1 if depthwise else layer.in_channels // groups,
            outputs=layer.out_channels // groups,
            taps=layer.kernel_size**2,
            span=layer.dilation * (layer.kernel_size - 1) + 1,
            stride=layer.stride,
            unrolled=depthwise or (layer.kind == "conv" and layer.in_channels <= _IMAGE_CHANNELS),
            repeats=groups,
        )


@lru_cache(maxsize=4096)
def _layer_table(formula: BitFusion, work: _Work) -> LayerTable:
    best = fastest_schedule(formula.cuts(work), formula.memory, formula.energy)
    latency_ms = work.repeats * best.cycles / formula.clock_hz * 1e3
    energy_mj = work.repeats * best.energy_pj * 1e-9
    for values in (latency_ms, energy_mj):
        values.setflags(write=False)  # shared by every caller
    return LayerTable(
        values={"latency_ms": latency_ms, "energy_mj": energy_mj},
        bound=np.where(best.waits, "memory", "compute"),
    )


@lru_cache(maxsize=4096)
def _grouped_table(formula: BitFusion, depthwise: _Work) -> LayerTable:
    """Return a depthwise layer as dense groups of as many channels as rows and columns take.

    The table ends at 4 bits; that a group stays within the columns matters below.
    """
    by_fusion = {}
    for products in np.unique(_g):
        channels = min(formula.rows * int(products), formula.columns)
        group = depthwise._replace(
            inputs=channels,
            outputs=channels,
            unrolled=False,
            repeats=ceil(depthwise.outputs / channels),
        )
        by_fusion[products] = _layer_table(formula, group)
    tables = list(by_fusion.values())
    chosen = [_g == products for products in by_fusion]
    values = {
        metric: np.select(chosen, [table.values[metric] for table in tables])
        for metric in tables[0].values
    }
    for each in values.values():
        each.setflags(write=False)  # shared by every caller
    bounds = [table.bound for table in tables if table.bound is not None]
    return LayerTable(values=values, bound=np.select(chosen, bounds, ""))


def _tilings(work: _Work, *, columns: int) -> FloatArray:
    """Return the side, inputs and outputs of a tile in every tiling; shape (3, T, 1, 1)."""
    tilings = product(
        _powers_up_to(work.side),
        _powers_up_to(work.inputs),
        _powers_up_to(work.outputs, start=columns),
    )
    return np.array(list(tilings), dtype=np.float64).T[..., None, None]


def _powers_up_to(size: int, *, start: int = 1) -> list[int]:
    """Return start, twice it, four times it ... below the size, then the size itself."""
    powers = []
    while start < size:
        powers.append(start)
        start *= 2
    return [*powers, size]
