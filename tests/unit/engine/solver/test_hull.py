"""The hull is exact: it has the best policy at every price of cost in loss."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.solver.hull import hull
from engine.solver.problem import Problem
from tests.unit.engine.solver.problems import all_choices, problems


@given(problem=problems(), price=st.floats(0, 20))
def test_at_any_price_no_policy_beats_the_hull(problem: Problem, price: float) -> None:
    corners = hull(problem, "model_bytes")

    best = min(
        problem.loss(c) + price * problem.cost(c, "model_bytes") for c in all_choices(problem)
    )

    assert (corners.losses + price * corners.costs).min() == pytest.approx(best)


@given(problems())
def test_the_hull_tells_what_its_policies_cost_and_lose(problem: Problem) -> None:
    corners = hull(problem, "model_bytes")

    costs = [problem.cost(choice, "model_bytes") for choice in corners.choices]
    losses = [problem.loss(choice) for choice in corners.choices]
    assert corners.costs == pytest.approx(np.array(costs))
    assert corners.losses == pytest.approx(np.array(losses))
    assert np.all(np.diff(corners.slopes) <= 0)
