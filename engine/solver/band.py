"""Choices that use a budget well: the likeliest of them, and any of them with the same chance.

Costs are counted in whole bins of a span, so that a table over layers and bins answers both by
dynamic programming; what comes out is checked by its true cost. A choice can be missed only where
rounding, half a bin for each layer, takes it past an end of the span.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from engine.cost.model import FloatArray
from engine.schema.cost import Metric
from engine.solver.problem import Choice, Knapsack, is_within

BINS = 2_000
_FINEST = 1e-9  # of the span's end: a bin where the span has no width
_TRACED = 200  # ends whose choices are looked at, best first

Bins = npt.NDArray[np.intp]  # shape (layers, options)


def best_between(
    problem: Knapsack,
    metric: Metric,
    low: float,
    high: float,
    *,
    accepts: Callable[[Choice], bool] | None = None,
    bins: int = BINS,
) -> Choice | None:
    """Return the choice of least loss whose cost lies in `low` .. `high`; None: none was found.

    `accepts` can turn a choice down for other reasons; the next best bin's choice is tried then.
    """
    if not is_within(problem.lowest(metric), high):
        return None
    cells, unit = _binned(problem, metric, high, bins)
    losses_W, taken_LW = _least_losses(problem, cells, bins)
    first = _first(problem, metric, low, unit)
    for end in first + np.argsort(losses_W[first:], kind="stable")[:_TRACED]:
        if not np.isfinite(losses_W[end]):
            return None
        choice = _traced(taken_LW, cells, int(end))
        if not _is_between(problem.cost(choice, metric), low, high):
            continue
        if accepts is None or accepts(choice):
            return choice
    return None


def draws_between(
    problem: Knapsack,
    metric: Metric,
    low: float,
    high: float,
    *,
    options: Sequence[int],
    rng: np.random.Generator,
    bins: int = BINS,
) -> Iterator[Choice]:
    """Yield choices whose cost lies in `low` .. `high`, each with the same chance, without end.

    `options` says how many each layer has before its last one is repeated. Where no choice lies
    there, nothing is yielded.
    """
    if not is_within(problem.lowest(metric), high):
        return
    cells, unit = _binned(problem, metric, high, bins)
    ways_LW = _ways(cells, options, bins)
    first = _first(problem, metric, low, unit)
    ends_W = ways_LW[0].copy()
    ends_W[:first] = 0.0
    if ends_W.sum() == 0:
        return
    ends_W /= ends_W.sum()
    misses = 0
    while misses < 10_000:  # only where all that is in the bins is just outside the span
        choice = _drawn(cells, ways_LW, int(rng.choice(len(ends_W), p=ends_W)), options, rng)
        if _is_between(problem.cost(choice, metric), low, high):
            misses = 0
            yield choice
        else:
            misses += 1


def _binned(problem: Knapsack, metric: Metric, high: float, bins: int) -> tuple[Bins, float]:
    """Return what each option costs above the layer's cheapest, in bins, and a bin's size."""
    costs = problem.costs[metric]
    above = costs - costs.min(axis=1, keepdims=True)
    unit = max((high - problem.lowest(metric)) / bins, _FINEST * high)
    cells: Bins = np.minimum(np.rint(above / unit), 2 * bins + problem.layers).astype(np.intp)
    return cells, unit


def _first(problem: Knapsack, metric: Metric, low: float, unit: float) -> int:
    """Return the first bin in which a cost of at least `low` may stand."""
    return max(0, int((low - problem.lowest(metric)) / unit) - problem.layers // 2 - 1)


def _width(layers: int, bins: int) -> int:
    return bins + layers // 2 + 2  # room for what rounding adds


def _least_losses(
    problem: Knapsack, cells: Bins, bins: int
) -> tuple[FloatArray, npt.NDArray[np.int8]]:
    """Return the least loss for each sum of bins, and the option that each layer took for it."""
    layers, options = cells.shape
    width = _width(layers, bins)
    losses_W = np.full(width, np.inf)
    losses_W[0] = 0.0
    taken_LW = np.zeros((layers, width), dtype=np.int8)
    for layer in range(layers):
        tried_OW = np.full((options, width), np.inf)
        for option, cell in enumerate(cells[layer]):
            if cell < width:
                tried_OW[option, cell:] = losses_W[: width - cell] + problem.losses[layer, option]
        taken_LW[layer] = tried_OW.argmin(axis=0)
        losses_W = tried_OW.min(axis=0)
    return losses_W, taken_LW


def _traced(taken_LW: npt.NDArray[np.int8], cells: Bins, end: int) -> Choice:
    choice = np.zeros(len(cells), dtype=np.intp)
    at = end
    for layer in reversed(range(len(cells))):
        choice[layer] = taken_LW[layer, at]
        at -= cells[layer, choice[layer]]
    return choice


def _ways(cells: Bins, options: Sequence[int], bins: int) -> FloatArray:
    """Return in how many ways the layers from one on come to a sum; scaled layer by layer."""
    layers = len(cells)
    width = _width(layers, bins)
    ways_LW = np.zeros((layers + 1, width))
    ways_LW[layers, 0] = 1.0
    for layer in reversed(range(layers)):
        row_W = np.zeros(width)
        for cell in cells[layer, : options[layer]]:
            if cell < width:
                row_W[cell:] += ways_LW[layer + 1, : width - cell]
        ways_LW[layer] = row_W / row_W.max()  # the cheapest option always fits
    return ways_LW


def _drawn(
    cells: Bins, ways_LW: FloatArray, end: int, options: Sequence[int], rng: np.random.Generator
) -> Choice:
    choice = np.zeros(len(cells), dtype=np.intp)
    left = end
    for layer in range(len(cells)):
        rest = left - cells[layer, : options[layer]]
        ways_O = np.where(rest >= 0, ways_LW[layer + 1, np.maximum(rest, 0)], 0.0)
        choice[layer] = rng.choice(options[layer], p=ways_O / ways_O.sum())
        left = int(rest[choice[layer]])
    return choice


def _is_between(cost: float, low: float, high: float) -> bool:
    return low <= cost and is_within(cost, high)
