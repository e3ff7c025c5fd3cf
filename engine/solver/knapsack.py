"""The best policy under budgets, and the whole front of cost against loss at once."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from engine.schema.cost import Budget, Metric
from engine.schema.errors import BudgetUnreachable
from engine.schema.policy import Policy
from engine.solver.enforce import lowered, refilled
from engine.solver.hull import changed_corners, hull
from engine.solver.lagrange import relaxed_choices
from engine.solver.pareto import undominated
from engine.solver.partial import Bounds, undominated_choices
from engine.solver.problem import Choice, Choices, Knapsack, Problem, is_within

FRONT_WIDTH = 250
FRONT_POINTS = 3000
SOLVE_WIDTH = 1000


class FrontPoint(NamedTuple):
    """A policy of the front: its cost in the metric's unit, its predicted loss, its options."""

    cost: float
    loss: float
    choice: Choice


def front(
    problem: Knapsack,
    metric: Metric,
    *,
    width: int = FRONT_WIDTH,
    points: int = FRONT_POINTS,
) -> tuple[FrontPoint, ...]:
    """Return undominated policies by ascending cost, from the cheapest to the least loss.

    Every corner of the lower convex hull is among them. Between the corners stand policies that
    differ from a corner in one layer, and what `undominated_choices` finds with that width: its
    docstring says how far from a policy the front can lie. At most `points` stand between.
    """
    corners = hull(problem, metric)
    between = changed_corners(problem, metric, corners, count=points)
    found = undominated_choices(problem, metric, width=width)
    return _front_of(problem, metric, np.concatenate((corners.choices, between, found)))


def solve(problem: Problem, budgets: Sequence[Budget], *, width: int = SOLVE_WIDTH) -> Policy:
    """Return the policy of least predicted loss that meets every budget, as `solved` finds it.

    Raises:
        BudgetUnreachable: no policy meets a budget; it carries the least that one can ask for.
    """
    return problem.policy(solved(problem, budgets, width=width))


def solved(problem: Knapsack, budgets: Sequence[Budget], *, width: int = SOLVE_WIDTH) -> Choice:
    """Return the choice of least predicted loss that meets every budget.

    With one budget that is the optimum, but for what `undominated_choices` may lose past `width`
    partial policies. With several, the best of: the optimum under each budget alone, mended for
    the others, and what prices on all costs find, mended.

    Raises:
        BudgetUnreachable: no choice meets a budget; it carries the least that one can ask for.
    """
    for budget in budgets:
        lowest = problem.lowest(budget.metric)
        if not is_within(lowest, budget.limit):
            raise BudgetUnreachable(metric=budget.metric, limit=budget.limit, lowest=lowest)
    choices = [_solve_one(problem, budget, width=width) for budget in budgets]
    if not any(problem.meets(choice, budgets) for choice in choices):
        choices += relaxed_choices(problem, budgets)
    mended = [refilled(problem, lowered(problem, choice, budgets), budgets) for choice in choices]
    return min(mended, key=problem.loss)


def _front_of(problem: Knapsack, metric: Metric, choices: Choices) -> tuple[FrontPoint, ...]:
    """Return the undominated among the choices, by ascending cost."""
    costs, losses = problem.total_costs(choices, metric), problem.total_losses(choices)
    return tuple(
        FrontPoint(float(costs[index]), float(losses[index]), choices[index])
        for index in undominated(costs, losses)
    )


def _solve_one(problem: Knapsack, budget: Budget, *, width: int) -> Choice:
    """Return the best choice under one budget, which can be met."""
    known, price = _near_optimum(problem, budget)
    bounds = Bounds(limit=budget.limit, loss=problem.loss(known), price=price)
    found = undominated_choices(problem, budget.metric, bounds, width=width)
    return min([known, *found[-1:]], key=problem.loss)


def _near_optimum(problem: Knapsack, budget: Budget) -> tuple[Choice, float]:
    """Return the hull's last policy within the budget, refilled, and the hull's slope there."""
    corners = hull(problem, budget.metric)
    within = np.flatnonzero(corners.costs <= budget.limit)
    last = int(within[-1]) if len(within) else 0
    price = float(corners.slopes[last]) if last < len(corners.slopes) else 0.0
    return refilled(problem, corners.choices[last], [budget]), price
