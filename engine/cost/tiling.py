"""The fastest way to cut a layer into tiles for an accelerator with three buffers.

A tensor is moved tile by tile, in the order of four nested loops. What a loop brings again is
kept while it fits the tensor's buffer and fetched anew once it does not. Every tiling in every
order is tried, as BitFusion's compiler does (Sharma et al. 2018).

Axes of arrays: T tilings, then weight and activation bits less one. Sizes are in bits, times in
cycles.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import permutations
from typing import Final, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from engine.cost.model import FloatArray

Loop = Literal["row", "column", "input", "output"]
Order = tuple[Loop, ...]  # from the inner loop to the outer
Mask = npt.NDArray[np.bool_]

_LOOPS: Final[tuple[Loop, ...]] = ("row", "column", "input", "output")
# Rows and columns are alike, so one order of the two stands for both.
_ORDERS: Final[tuple[Order, ...]] = tuple(
    order for order in permutations(_LOOPS) if order.index("row") < order.index("column")
)
_WEIGHT_LOOPS: Final[frozenset[Loop]] = frozenset({"input", "output"})
_ACTIVATION_LOOPS: Final[frozenset[Loop]] = frozenset({"row", "column", "input"})
_OUTPUT_LOOPS: Final[frozenset[Loop]] = frozenset({"row", "column", "output"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Room for a tile of each tensor, and how fast tiles come and go."""

    weight_bits: float
    activation_bits: float
    output_bits: float
    bits_per_cycle: float


class Cuts(NamedTuple):
    """Ways to cut the work into tiles."""

    trips: Mapping[Loop, FloatArray]  # how many tiles lie along each loop; shapes (T,)
    weights: FloatArray  # bits of a tile; (T, 8, 8)
    activations: FloatArray  # (T, 1, 8)
    outputs: FloatArray  # (T, 1, 1)
    compute: FloatArray  # cycles of the array over all tiles; (T, 8, 8)

    def where(self, kept: Mask) -> "Cuts":
        """The cuts that are to be kept."""
        trips = {loop: count[kept] for loop, count in self.trips.items()}
        return Cuts(trips, *(each[kept] for each in self[1:]))


class Energy(NamedTuple):
    """What a cycle of the array and a moved bit take, in pJ."""

    per_cycle: float
    per_bit: float


class Schedule(NamedTuple):
    """The best way at every pair of widths; shapes (8, 8)."""

    cycles: FloatArray
    energy_pj: FloatArray
    waits: Mask  # does memory hold the array up?


def fastest_schedule(cuts: Cuts, memory: Memory, energy: Energy) -> Schedule:
    """Return the schedule of least time at every pair of widths; ties go to less energy."""
    cuts = cuts.where(_fits_somewhere(cuts, memory))
    shape = cuts.compute.shape[1:]
    best = Schedule(np.full(shape, np.inf), np.full(shape, np.inf), np.zeros(shape, dtype=bool))
    for order, is_first in zip(_ORDERS, _IS_FIRST_OF_ITS_KIND, strict=True):
        may_win: Mask = np.logical_or.reduce(cuts.compute <= best.cycles, axis=(1, 2))
        cuts = cuts.where(may_win)
        idle = [(cuts.trips[loop] == 1).astype(int) for loop in ("row", "input", "output")]
        distinct = cuts.where(is_first[*idle])
        if len(distinct.compute):
            best = _better(best, _best_in_order(distinct, order, memory, energy))
    return best


def _is_first_of_its_kind(order: Order, idle: frozenset[Loop]) -> bool:
    """Tell whether no earlier order is the same but for loops of a single trip."""
    busy = [[loop for loop in other if loop not in idle] for other in _ORDERS]
    at = _ORDERS.index(order)
    return busy[at] not in busy[:at]


# Index: [order, are rows and columns idle?, inputs?, outputs?]
_IS_FIRST_OF_ITS_KIND: Final = np.array(
    [
        _is_first_of_its_kind(order, frozenset(across) | frozenset(inputs) | frozenset(outputs))
        for order in _ORDERS
        for across in (_LOOPS[:0], _LOOPS[:2])
        for inputs in (_LOOPS[:0], _LOOPS[2:3])
        for outputs in (_LOOPS[:0], _LOOPS[3:])
    ]
).reshape(len(_ORDERS), 2, 2, 2)


def _fits_somewhere(cuts: Cuts, memory: Memory) -> Mask:
    """Tell which tiles fit their buffers at the narrowest widths at least."""
    fits: Mask = (
        (cuts.weights.min(axis=(1, 2)) <= memory.weight_bits)
        & (cuts.activations.min(axis=(1, 2)) <= memory.activation_bits)
        & (cuts.outputs.min(axis=(1, 2)) <= memory.output_bits)
    )
    return fits


def _best_in_order(cuts: Cuts, order: Order, memory: Memory, energy: Energy) -> Schedule:
    """Return the best of some tilings with their loops in one order."""
    weights = _traffic(cuts.weights, memory.weight_bits, _WEIGHT_LOOPS, cuts.trips, order)
    activations = _traffic(
        cuts.activations, memory.activation_bits, _ACTIVATION_LOOPS, cuts.trips, order
    )
    outputs = _traffic(cuts.outputs, memory.output_bits, _OUTPUT_LOOPS, cuts.trips, order)
    # Partial sums are read and written. What is resident first and last cannot be hidden.
    first = weights.resident + (activations.resident + outputs.resident)
    moved = weights.moved + (activations.moved + 2 * outputs.moved)
    hidden = np.ceil((moved - first - outputs.resident) / memory.bits_per_cycle)
    unhidden = np.ceil(first / memory.bits_per_cycle) + np.ceil(
        outputs.resident / memory.bits_per_cycle
    )
    return _fastest(
        np.maximum(cuts.compute, hidden) + unhidden,
        cuts.compute * energy.per_cycle + moved * energy.per_bit,
        hidden > cuts.compute,
    )


class _Traffic(NamedTuple):
    """Bits of a tensor that cross the chip's border, and those that fit in its buffer."""

    moved: FloatArray
    resident: FloatArray


def _traffic(
    tile: FloatArray,
    room: float,
    loops: frozenset[Loop],
    trips: Mapping[Loop, FloatArray],
    order: Order,
) -> _Traffic:
    """Return what moves of a tensor; infinite where a tile does not fit.

    From the inner loop outwards, a loop that the tensor depends on brings another part of it.
    Once the parts together outgrow the buffer, every loop further out fetches them again.
    """
    moved = np.where(tile <= room, tile, np.inf)
    resident = tile
    outgrown = moved > room
    for loop in order:
        count = trips[loop][:, None, None]
        moved = moved * (count if loop in loops else np.where(outgrown, count, 1))
        outgrown = moved > room
        resident = np.where(outgrown, resident, moved)
    return _Traffic(moved, resident)


def _fastest(cycles: FloatArray, energy_pj: FloatArray, waits: Mask) -> Schedule:
    """Pick the tiling of least cycles, then of least energy; (T, 8, 8) -> (8, 8)."""
    least = cycles.min(axis=0)
    at = np.where(cycles == least, energy_pj, np.inf).argmin(axis=0)[None]
    return Schedule(
        least,
        np.take_along_axis(energy_pj, at, axis=0)[0],
        np.take_along_axis(waits, at, axis=0)[0],
    )


def _better(one: Schedule, other: Schedule) -> Schedule:
    """Pick the faster of two schedules at every pair of widths, in a tie the thriftier."""
    is_better = (other.cycles < one.cycles) | (
        (other.cycles == one.cycles) & (other.energy_pj < one.energy_pj)
    )
    return Schedule(*(np.where(is_better, b, a) for a, b in zip(one, other, strict=True)))
