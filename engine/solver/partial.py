"""Policies layer by layer: what is kept of the layers so far.

Layers are added one by one. Kept are the partial policies that no other beats in cost and loss
(Nemhauser and Ullmann 1969), which is exact while they are few. Past `width` of them, their span
of costs is cut into `width - 1` equal intervals, and each keeps its partial policy of least
loss, with that policy's true cost. A policy lost to this has a stand-in with no more loss, at a
cost higher by at most one interval for each layer: layers x (highest - lowest cost) / (width - 1)
in all.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from engine.cost.model import FloatArray
from engine.schema.cost import Metric
from engine.solver.pareto import Indices, spread, undominated
from engine.solver.problem import ROUNDING, Choices, Knapsack


class Bounds(NamedTuple):
    """What a policy must meet to be worth finding."""

    limit: float  # on the cost
    loss: float  # of a policy that is known
    price: float  # of cost in loss; any price gives a bound, the hull's slope a sharp one


class Partial(NamedTuple):
    """The partial policies after a layer; arrays of equal length, by ascending cost."""

    costs: FloatArray
    losses: FloatArray
    parents: Indices  # which partial policy of the layer before
    options: Indices  # which option of this layer


def undominated_choices(
    problem: Knapsack, metric: Metric, bounds: Bounds | None = None, *, width: int
) -> Choices:
    """Return undominated policies by ascending cost; with bounds only those that meet them.

    With a price, a partial policy is dropped as soon as the least that its rest can add to loss
    plus priced cost takes it past a policy that is known (Fisher 1981). Few are then left.
    """
    costs, losses = problem.costs[metric], problem.losses
    limit, known, price = bounds or Bounds(float(costs.max(axis=1).sum()), np.inf, 0.0)
    cheapest_rest = _sums_after(costs.min(axis=1))
    priced_rest = _sums_after((losses + price * costs).min(axis=1))
    most_cost = limit * (1 + ROUNDING) if bounds else np.inf
    most_priced = (known + price * limit) * (1 + ROUNDING)
    steps = [_nothing_chosen(problem.fixed.get(metric, 0.0))]
    for layer in range(problem.layers):
        step = _extended(steps[-1], costs[layer], losses[layer])
        priced = step.losses + price * step.costs
        may_end = (step.costs + cheapest_rest[layer] <= most_cost) & (
            priced + priced_rest[layer] <= most_priced
        )
        step = _picked(step, np.flatnonzero(may_end))
        steps.append(_picked(step, spread(step.costs, width)))
    return _traced(steps)


def _nothing_chosen(cost: float) -> Partial:
    none = np.zeros(1, dtype=np.intp)
    return Partial(np.array([cost]), np.zeros(1), none, none)


def _sums_after(values: FloatArray) -> FloatArray:
    """Return for each layer the sum over the layers behind it."""
    sums: FloatArray = np.cumsum(values[::-1])[::-1] - values
    return sums


def _extended(partial: Partial, layer_costs: FloatArray, layer_losses: FloatArray) -> Partial:
    """Return the undominated partial policies that take one option of the next layer too."""
    options = undominated(layer_costs, layer_losses)
    costs = (layer_costs[options, None] + partial.costs).ravel()
    losses = (layer_losses[options, None] + partial.losses).ravel()
    kept = undominated(costs, losses)
    taken, parents = np.divmod(kept, len(partial.costs))
    return Partial(costs[kept], losses[kept], parents, options[taken])


def _picked(partial: Partial, kept: Indices) -> Partial:
    costs, losses, parents, options = partial
    return Partial(costs[kept], losses[kept], parents[kept], options[kept])


def _traced(steps: Sequence[Partial]) -> Choices:
    """Return the options that the last layer's policies took; shape (policies, layers)."""
    at = np.arange(len(steps[-1].costs))
    taken = []
    for step in reversed(steps[1:]):
        taken.append(step.options[at])
        at = step.parents[at]
    return np.stack(taken[::-1], axis=1)
