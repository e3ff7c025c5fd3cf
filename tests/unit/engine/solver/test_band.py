"""Choices within a span of costs, beside trying everything."""

from collections import Counter
from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.solver.band import best_between, draws_between
from engine.solver.problem import Problem
from tests.unit.engine.solver.problems import all_choices, problem_of, problems, random_problem


def between(problem: Problem, low: float, high: float) -> list[tuple[int, ...]]:
    return [
        tuple(choice.tolist())
        for choice in all_choices(problem)
        if low <= problem.cost(choice, "latency_ms") <= high
    ]


@given(problem=problems(), low=st.integers(0, 40), width=st.integers(0, 20))
@settings(max_examples=60, deadline=None)
def test_the_best_between_is_the_best_of_all(problem: Problem, low: int, width: int) -> None:
    inside = between(problem, low, low + width)
    found = best_between(problem, "latency_ms", low, low + width)

    assert (found is None) == (not inside)
    if found is not None:
        assert tuple(found.tolist()) in inside
        least = min(problem.loss(np.array(choice)) for choice in inside)
        assert problem.loss(found) == pytest.approx(least)


def test_costs_that_are_no_whole_bins_are_met_to_a_bin() -> None:
    problem = random_problem(3, layers=6, options=5)
    high = 0.5 * problem.cost(np.full(6, 4), "latency_ms")
    least = min(problem.loss(np.array(choice)) for choice in between(problem, 0.9 * high, high))

    found = best_between(problem, "latency_ms", 0.9 * high, high)

    assert found is not None
    assert 0.9 * high <= problem.cost(found, "latency_ms") <= high
    assert problem.loss(found) <= least * 1.01


def test_a_choice_that_is_turned_down_gives_way_to_the_next() -> None:
    problem = problem_of(np.array([[3.0, 1.0, 2.0]]), np.array([[1.0, 2.0, 3.0]]))

    found = best_between(problem, "latency_ms", 0, 3, accepts=lambda choice: choice[0] != 1)

    assert found is not None
    assert found.tolist() == [2]


def test_every_choice_between_is_drawn_equally_often() -> None:
    problem = problem_of(np.zeros((3, 3)), np.array([[1.0, 2.0, 4.0]] * 3))
    inside = between(problem, 6, 8)

    draws = draws_between(
        problem, "latency_ms", 6, 8, options=(3, 3, 3), rng=np.random.default_rng(0)
    )
    counts = Counter(tuple(choice.tolist()) for choice in islice(draws, 2_000))

    assert set(counts) == set(inside)
    expected = 2_000 / len(inside)
    chi_squared = sum((count - expected) ** 2 / expected for count in counts.values())
    # The 99.9 % point of chi squared with as many degrees of freedom lies below three times them.
    assert chi_squared < 3 * (len(inside) - 1)


def test_an_option_that_is_repeated_to_fill_its_row_counts_once() -> None:
    problem = problem_of(np.zeros((2, 3)), np.array([[1.0, 1.0, 1.0], [1.0, 2.0, 3.0]]))

    draws = draws_between(problem, "latency_ms", 0, 9, options=(1, 3), rng=np.random.default_rng(0))

    assert {int(choice[0]) for choice in islice(draws, 50)} == {0}


def test_an_empty_span_has_no_draws() -> None:
    problem = problem_of(np.zeros((2, 2)), np.array([[1.0, 9.0], [1.0, 9.0]]))

    draws = draws_between(problem, "latency_ms", 3, 8, options=(2, 2), rng=np.random.default_rng(0))

    assert list(islice(draws, 1)) == []
