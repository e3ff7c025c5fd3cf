"""Two budgets that can be met alone and not together are named."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.schema.cost import Budget
from engine.schema.errors import BudgetsContradict
from engine.solver.contradiction import check_together, least_beside
from engine.solver.problem import Problem
from tests.unit.engine.solver.problems import all_choices, problem_of, problems

LOSSES = np.zeros((2, 2))
FALLING, RISING = np.array([[4.0, 1.0], [4.0, 1.0]]), np.array([[1.0, 4.0], [1.0, 4.0]])


def budgets(latency_ms: float, model_bytes: float) -> list[Budget]:
    return [
        Budget(metric="latency_ms", limit=latency_ms),
        Budget(metric="model_bytes", limit=model_bytes),
    ]


def test_the_pair_is_named_with_what_the_second_would_have_to_be() -> None:
    problem = problem_of(LOSSES, FALLING, RISING)  # 100 bytes are fixed

    with pytest.raises(
        BudgetsContradict,
        match=r"budgets: latency_ms of 5 and model_bytes of 104 contradict each other: "
        r"with the first, model_bytes is at least 105; raise one of the two",
    ) as caught:
        check_together(problem, budgets(5, 104))

    assert (caught.value.first, caught.value.second) == (("latency_ms", 5), ("model_bytes", 104))
    assert caught.value.least == 105

    check_together(problem, budgets(5, 105))


@given(problem=problems(max_layers=3), data=st.data())
@settings(max_examples=60, deadline=None)
def test_a_pair_is_refused_only_where_no_choice_meets_both(
    problem: Problem, data: st.DataObject
) -> None:
    first, second = (
        Budget(metric=m, limit=problem.lowest(m) * data.draw(st.sampled_from((1.0, 1.2, 2.0))))
        for m in ("latency_ms", "model_bytes")
    )
    is_met = any(problem.meets(choice, [first, second]) for choice in all_choices(problem))

    if is_met:
        check_together(problem, [first, second])
    else:
        with pytest.raises(BudgetsContradict):
            check_together(problem, [first, second])


@given(problem=problems(max_layers=3))
@settings(max_examples=40, deadline=None)
def test_the_least_beside_a_budget_is_that_of_some_choice_within_it(problem: Problem) -> None:
    kept = Budget(metric="latency_ms", limit=problem.lowest("latency_ms") * 1.3)
    asked = Budget(metric="model_bytes", limit=1.0)
    within = [choice for choice in all_choices(problem) if problem.meets(choice, [kept])]

    assert least_beside(problem, kept, asked) == min(
        problem.cost(choice, "model_bytes") for choice in within
    )
