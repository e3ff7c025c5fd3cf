"""The best policy under budgets, and the whole front of cost against loss at once.

With one cost, layers are added one by one; what is kept of the layers so far are the partial
policies that no other beats in cost and loss (Nemhauser and Ullmann 1969). That is exact while
they are few. Past `width` of them, their span of costs is cut into `width - 1` equal intervals,
and each keeps its partial policy of least loss, with that policy's true cost. A policy lost to
this has a stand-in with no more loss, at a cost higher by at most one interval for each layer:
layers x (highest - lowest cost) / (width - 1) in all.

Under one budget a price on cost tells of most partial policies that they cannot end as the best
(Fisher 1981), so that seldom more than `width` are left: the optimum, mostly exact.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from engine.cost.model import FloatArray
from engine.schema.cost import Budget, Metric
from engine.schema.errors import BudgetUnreachable
from engine.schema.policy import Policy
from engine.solver.enforce import lowered, refilled
from engine.solver.hull import Hull, hull
from engine.solver.lagrange import relaxed_choices
from engine.solver.pareto import Indices, spread, undominated
from engine.solver.problem import ROUNDING, Choice, Problem, is_within

FRONT_WIDTH = 500
SOLVE_WIDTH = 1000

Choices = npt.NDArray[np.intp]  # options by policy and layer; shape (policies, layers)


class FrontPoint(NamedTuple):
    """A policy of the front: its cost in the metric's unit, its predicted loss, its options."""

    cost: float
    loss: float
    choice: Choice


class _Bounds(NamedTuple):
    """What a policy must meet to be worth finding."""

    limit: float  # on the cost
    loss: float  # of a policy that is known
    price: float  # of cost in loss; any price gives a bound, the hull's slope a sharp one


class _Stage(NamedTuple):
    """The partial policies after one more layer; arrays of equal length, by ascending cost."""

    costs: FloatArray
    losses: FloatArray
    parents: Indices  # which partial policy of the stage before
    options: Indices  # which option of this layer


def front(problem: Problem, metric: Metric, *, width: int = FRONT_WIDTH) -> tuple[FrontPoint, ...]:
    """Return undominated policies by ascending cost, from the cheapest to the least loss.

    All of the lower convex hull is among them, between its corners what the stages find.
    """
    corners = hull(problem, metric)
    no_bounds = _Bounds(
        limit=float(problem.costs[metric].max(axis=1).sum()), loss=np.inf, price=0.0
    )
    traced = _trace(_stages(problem, metric, no_bounds, width=width))
    points = [
        FrontPoint(problem.cost(choice, metric), problem.loss(choice), choice)
        for choice in np.concatenate((corners.choices, traced))
    ]
    kept = undominated(
        np.array([point.cost for point in points]), np.array([point.loss for point in points])
    )
    return tuple(points[index] for index in kept)


def solve(problem: Problem, budgets: Sequence[Budget], *, width: int = SOLVE_WIDTH) -> Policy:
    """Return the policy of least predicted loss that meets every budget.

    With one budget that is the optimum, up to the interval named above. With several, the best
    of: the optimum under each budget alone, mended for the others, and what prices on all costs
    find, mended.

    Raises:
        BudgetUnreachable: no policy meets a budget; it carries the least that one can ask for.
    """
    for budget in budgets:
        lowest = problem.lowest(budget.metric)
        if not is_within(lowest, budget.limit):
            raise BudgetUnreachable(metric=budget.metric, limit=budget.limit, lowest=lowest)
    choices = [_solve_one(problem, budget, width=width) for budget in budgets]
    if not any(problem.meets(choice, budgets) for choice in choices):
        choices += relaxed_choices(problem, budgets)
    mended = [refilled(problem, lowered(problem, choice, budgets), budgets) for choice in choices]
    return problem.policy(min(mended, key=problem.loss))


def _solve_one(problem: Problem, budget: Budget, *, width: int) -> Choice:
    """Return the best choice under one budget, which can be met."""
    known, price = _near_optimum(problem, budget, hull(problem, budget.metric))
    bounds = _Bounds(limit=budget.limit, loss=problem.loss(known), price=price)
    traced = _trace(_stages(problem, budget.metric, bounds, width=width))
    return min([known, *traced[-1:]], key=problem.loss)


def _near_optimum(problem: Problem, budget: Budget, corners: Hull) -> tuple[Choice, float]:
    """Return the hull's last policy within the budget, refilled, and the hull's slope there."""
    within = np.flatnonzero(corners.costs <= budget.limit)
    last = int(within[-1]) if len(within) else 0
    price = float(corners.slopes[last]) if last < len(corners.slopes) else 0.0
    return refilled(problem, corners.choices[last], [budget]), price


def _stages(problem: Problem, metric: Metric, bounds: _Bounds, *, width: int) -> list[_Stage]:
    """Add the layers one by one, leaving out what cannot end within the bounds."""
    costs, losses = problem.costs[metric], problem.losses
    cheapest_rest = _sums_after(costs.min(axis=1))
    priced_rest = _sums_after((losses + bounds.price * costs).min(axis=1))
    most_cost = bounds.limit * (1 + ROUNDING)
    most_loss = (bounds.loss + bounds.price * bounds.limit) * (1 + ROUNDING)
    none = np.zeros(1, dtype=np.intp)
    stages = [_Stage(np.array([problem.fixed.get(metric, 0.0)]), np.zeros(1), none, none)]
    for layer in range(problem.layers):
        stage = _extended(stages[-1], costs[layer], losses[layer])
        priced = stage.losses + bounds.price * stage.costs
        may_end = (stage.costs + cheapest_rest[layer] <= most_cost) & (
            priced + priced_rest[layer] <= most_loss
        )
        stage = _picked(stage, np.flatnonzero(may_end))
        stages.append(_picked(stage, spread(stage.costs, width)))
    return stages


def _sums_after(values: FloatArray) -> FloatArray:
    """Return for each layer the sum over the layers behind it."""
    sums: FloatArray = np.cumsum(values[::-1])[::-1] - values
    return sums


def _extended(stage: _Stage, layer_costs: FloatArray, layer_losses: FloatArray) -> _Stage:
    """Return the undominated partial policies that take one option of the next layer too."""
    options = undominated(layer_costs, layer_losses)
    costs = (layer_costs[options, None] + stage.costs).ravel()
    losses = (layer_losses[options, None] + stage.losses).ravel()
    kept = undominated(costs, losses)
    taken, parents = np.divmod(kept, len(stage.costs))
    return _Stage(costs[kept], losses[kept], parents, options[taken])


def _picked(stage: _Stage, kept: Indices) -> _Stage:
    costs, losses, parents, options = stage
    return _Stage(costs[kept], losses[kept], parents[kept], options[kept])


def _trace(stages: Sequence[_Stage]) -> Choices:
    """Return the options that the last stage's policies took; shape (policies, layers)."""
    at = np.arange(len(stages[-1].costs))
    taken = []
    for stage in reversed(stages[1:]):
        taken.append(stage.options[at])
        at = stage.parents[at]
    return np.stack(taken[::-1], axis=1)
