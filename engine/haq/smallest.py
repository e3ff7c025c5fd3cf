"""The other question: the smallest cost at which no more accuracy than so much is lost.

The solver's policies by rising cost lose ever less, so the cheapest that keeps the accuracy is
found by halving: some eight of them are scored. AIMET asks its list of policies the same way. The
limit found then becomes the budget of the search.
"""

from collections.abc import Sequence

import numpy as np

from engine.haq.environment import QuantizationEnvironment
from engine.schema.cost import Budget, Metric
from engine.schema.errors import BudgetUnreachable, InvalidConfig
from engine.schema.policy import Policy
from engine.solver.knapsack import front, solve
from engine.solver.pareto import spread
from engine.solver.problem import Problem

_LIMITS = 256  # costs of the front among which the smallest is sought


def smallest_limit(
    problem: Problem,
    metric: Metric,
    environment: QuantizationEnvironment,
    *,
    accuracy_drop: float,
    budgets: Sequence[Budget],
) -> Budget:
    """Return the smallest budget whose best predicted policy keeps the accuracy.

    Raises:
        InvalidConfig: even the widest widths lose more.
    """
    costs = np.array([point.cost for point in front(problem, metric)])
    limits = [float(costs[index]) for index in spread(costs, _LIMITS)]
    wanted = environment.float_score.accuracy - accuracy_drop

    def keeps(limit: float) -> bool:
        policy = _policy_within(problem, [Budget(metric=metric, limit=limit), *budgets])
        return policy is not None and environment.score(policy).accuracy >= wanted

    if not keeps(limits[-1]):
        raise InvalidConfig(
            "accuracy_drop",
            f"more than {accuracy_drop:g} is lost at every cost that these widths and budgets "
            "allow; ask for more, or allow wider widths",
        )
    low, high = -1, len(limits) - 1  # the accuracy is lost at `low`, kept at `high`
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if keeps(limits[middle]) else (middle, high)
    return Budget(metric=metric, limit=limits[high])


def _policy_within(problem: Problem, budgets: Sequence[Budget]) -> Policy | None:
    try:
        return solve(problem, budgets)
    except BudgetUnreachable:
        return None
