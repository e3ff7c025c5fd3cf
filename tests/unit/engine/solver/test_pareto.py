"""Undominated points against the definition, and thinning."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from engine.solver.pareto import spread, undominated

points = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=30)


@given(points)
def test_undominated_points_are_those_that_no_other_beats(drawn: list[tuple[int, int]]) -> None:
    costs, losses = np.array(drawn, dtype=np.float64).T
    expected = sorted(
        {
            (cost, loss)
            for cost, loss in drawn
            if not any(c <= cost and n <= loss and (c, n) != (cost, loss) for c, n in drawn)
        }
    )

    kept = undominated(costs, losses)

    assert list(zip(costs[kept], losses[kept], strict=True)) == expected


def test_of_equal_points_the_first_is_kept() -> None:
    assert undominated(np.array([2.0, 1.0, 1.0]), np.array([5.0, 5.0, 5.0])).tolist() == [1]


def test_no_points_have_no_front() -> None:
    assert undominated(np.array([]), np.array([])).tolist() == []


@given(st.lists(st.integers(0, 1000), min_size=2, max_size=200, unique=True), st.integers(2, 50))
def test_thinned_points_keep_both_ends_and_leave_no_wide_gap(drawn: list[int], count: int) -> None:
    costs = np.sort(np.array(drawn, dtype=np.float64))
    interval = (costs[-1] - costs[0]) / (count - 1)

    kept = costs[spread(costs, count)]

    assert len(kept) <= count
    assert kept[0] == costs[0]
    assert kept[-1] == costs[-1]
    # Each point has a kept one at its cost or above it, no further than one interval.
    stand_ins = kept[np.searchsorted(kept, costs)]
    assert np.all(stand_ins - costs <= interval * (1 + 1e-9))
