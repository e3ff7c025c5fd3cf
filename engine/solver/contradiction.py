"""Budgets that cannot be met together though each can alone: which pair, and by how much.

Fewer bits mostly cost less of everything, and then the narrowest network meets all budgets. Where
tilings are chosen for time, as on BitFusion, they can cost more energy.
"""

from collections.abc import Sequence
from itertools import combinations

from engine.cost.model import FloatArray
from engine.schema.cost import Budget
from engine.schema.errors import BudgetsContradict
from engine.solver.knapsack import solved
from engine.solver.problem import Choice, Knapsack, is_within


def check_together(problem: Knapsack, budgets: Sequence[Budget]) -> None:
    """Refuse budgets of which two cannot be met by one choice; each alone can be met.

    Raises:
        BudgetsContradict: naming the pair, and what the second would have to be beside the first.
    """
    if _is_met_together(problem, budgets):
        return
    for first, second in combinations(budgets, 2):
        least = least_beside(problem, first, second)
        if not is_within(least, second.limit):
            raise BudgetsContradict(
                first=(first.metric, first.limit),
                second=(second.metric, second.limit),
                least=least,
            )


def least_beside(problem: Knapsack, kept: Budget, asked: Budget) -> float:
    """Return the least that the second budget's metric can be where the first one is met."""
    if problem.meets(_cheapest(problem.costs[kept.metric]), [kept, asked]):
        return problem.cost(_cheapest(problem.costs[kept.metric]), asked.metric)
    by_cost = Knapsack(
        costs={kept.metric: problem.costs[kept.metric]},
        losses=problem.costs[asked.metric],
        fixed=problem.fixed,
    )
    return problem.cost(solved(by_cost, [kept]), asked.metric)


def _is_met_together(problem: Knapsack, budgets: Sequence[Budget]) -> bool:
    """Tell whether the choice that is cheapest by all budgets at once meets them."""
    shares: FloatArray = sum(
        (problem.costs[budget.metric] / budget.limit for budget in budgets),
        start=problem.losses * 0,
    )
    return problem.meets(_cheapest(shares), budgets)


def _cheapest(costs: FloatArray) -> Choice:
    choice: Choice = costs.argmin(axis=1)
    return choice
