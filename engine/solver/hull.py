"""The lower convex hull of cost against loss: exact, and found by sorting.

A hull of sums is the sum of hulls: walking every layer's own hull, steepest step first, meets
all policies that are best at some price of cost in loss (Sinha and Zoltners 1979).
"""

from typing import NamedTuple

import numpy as np

from engine.cost.model import FloatArray
from engine.schema.cost import Metric
from engine.solver.pareto import Indices, spread, undominated
from engine.solver.problem import Choices, Knapsack


class Hull(NamedTuple):
    """Policies by ascending cost, from the cheapest to the least loss; n of them."""

    costs: FloatArray  # of the network; shape (n,)
    losses: FloatArray  # shape (n,)
    choices: Choices  # shape (n, layers)
    slopes: FloatArray  # loss avoided by cost on the step to the next policy; (n - 1,), falling


class _Step(NamedTuple):
    slope: float  # loss avoided by cost
    layer: int
    option: int
    cost: float
    loss: float


def hull(problem: Knapsack, metric: Metric) -> Hull:
    """Return the policies on the lower convex hull."""
    corners = [
        _corners(costs, losses)
        for costs, losses in zip(problem.costs[metric], problem.losses, strict=True)
    ]
    steps = sorted(_steps(problem, metric, corners), key=lambda step: -step.slope)
    choices = np.empty((len(steps) + 1, problem.layers), dtype=np.intp)
    choices[:] = [row[0] for row in corners]
    for number, step in enumerate(steps, start=1):
        choices[number:, step.layer] = step.option
    rows = np.arange(problem.layers)
    start = problem.fixed.get(metric, 0.0) + problem.costs[metric][rows, choices[0]].sum()
    return Hull(
        costs=np.cumsum([start, *(step.cost for step in steps)]),
        losses=np.cumsum([problem.losses[rows, choices[0]].sum(), *(step.loss for step in steps)]),
        choices=choices,
        slopes=np.array([step.slope for step in steps]),
    )


def changed_corners(problem: Knapsack, metric: Metric, corners: Hull, *, count: int) -> Choices:
    """Return policies that differ from a corner in one layer and lie below the corners' steps.

    At most `count` undominated ones, spread by cost. The best policy under a budget mostly
    differs from a corner in few layers, so these fill most of what the hull leaves out.
    """
    found = [_changed_in(layer, problem, metric, corners) for layer in range(problem.layers)]
    costs, losses, origins, options = (
        np.concatenate(column) for column in zip(*found, strict=True)
    )
    layers = np.repeat(np.arange(problem.layers), [len(columns[0]) for columns in found])
    kept = undominated(costs, losses)
    kept = kept[spread(costs[kept], count)]
    choices: Choices = corners.choices[origins[kept]]
    choices[np.arange(len(kept)), layers[kept]] = options[kept]
    return choices


def _changed_in(
    layer: int, problem: Knapsack, metric: Metric, corners: Hull
) -> tuple[FloatArray, FloatArray, Indices, Indices]:
    """Return cost, loss, corner and option of the changes in one layer worth a look."""
    layer_costs, layer_losses = problem.costs[metric][layer], problem.losses[layer]
    options = undominated(layer_costs, layer_losses)
    chosen = corners.choices[:, layer, None]
    costs = corners.costs[:, None] + layer_costs[options] - layer_costs[chosen]
    losses = corners.losses[:, None] + layer_losses[options] - layer_losses[chosen]
    below = np.searchsorted(corners.costs, costs, side="right") - 1
    origins, columns = np.nonzero((below >= 0) & (losses < corners.losses[below]))
    return costs[origins, columns], losses[origins, columns], origins, options[columns]


def _steps(problem: Knapsack, metric: Metric, corners: list[Indices]) -> list[_Step]:
    steps = []
    for layer, options in enumerate(corners):
        costs = np.diff(problem.costs[metric][layer, options]).tolist()
        losses = np.diff(problem.losses[layer, options]).tolist()
        for option, cost, loss in zip(options[1:].tolist(), costs, losses, strict=True):
            steps.append(_Step(-loss / cost, layer, option, cost, loss))
    return steps


def _corners(costs: FloatArray, losses: FloatArray) -> Indices:
    """Return the options on one layer's lower convex hull, by ascending cost."""
    corners: list[int] = []
    for option in undominated(costs, losses).tolist():
        while len(corners) > 1 and _is_above(corners[-2], corners[-1], option, costs, losses):
            corners.pop()
        corners.append(option)
    return np.array(corners, dtype=np.intp)


def _is_above(left: int, middle: int, right: int, costs: FloatArray, losses: FloatArray) -> bool:
    """Tell whether the middle option lies on or above the line from left to right."""
    rise = (losses[middle] - losses[left]) * (costs[right] - costs[left])
    return bool(rise >= (losses[right] - losses[left]) * (costs[middle] - costs[left]))
