"""Points that no other point beats in both cost and loss."""

import numpy as np
import numpy.typing as npt

from engine.cost.model import FloatArray

Indices = npt.NDArray[np.intp]


def undominated(costs: FloatArray, losses: FloatArray) -> Indices:
    """Return the points that no other beats, by ascending cost; of equal points the first.

    A point is beaten by one that costs and loses no more, and one of the two less.
    """
    order = np.argsort(costs, kind="stable")  # timsort: the solver's points come in sorted runs
    ordered = losses[order]
    best_before = np.minimum.accumulate(np.concatenate(([np.inf], ordered[:-1])))
    falling: Indices = order[ordered < best_before]
    is_beaten = np.zeros(len(falling), dtype=bool)
    is_beaten[:-1] = costs[falling][:-1] == costs[falling][1:]
    kept: Indices = falling[~is_beaten]
    return kept


def spread(costs: FloatArray, count: int) -> Indices:
    """Return at most `count` points of a front, evenly spread by cost, both ends among them.

    `costs` ascends. The span is cut into `count` equal intervals; each keeps its last point,
    which on a front is the one with the least loss, and the first point is kept too.
    """
    if len(costs) <= count:
        return np.arange(len(costs))
    span = costs[-1] - costs[0]
    interval = np.minimum((costs - costs[0]) * ((count - 1) / span), count - 2).astype(np.intp)
    is_last = np.append(interval[1:] != interval[:-1], True)
    return np.union1d(0, np.flatnonzero(is_last))
