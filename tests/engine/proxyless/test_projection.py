"""Whatever the probabilities, what is delivered meets the budgets and uses them well."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.proxyless.priced_space import Choices, PricedSpace, log_losses
from engine.proxyless.projection import drawn_networks, projected, refilled, sampled, uses_well
from engine.proxyless.rescore import candidates
from engine.schema.cost import Budget
from tests.engine.proxyless.toy_search import MACS, priced_space

TINY = priced_space()
BYTES = Budget(metric="model_bytes", limit=60_000)
TWO_BUDGETS = priced_space(budgets=(MACS, BYTES))


@st.composite
def probabilities(draw: st.DrawFn) -> list[list[float]]:
    """Draw a softmax of random sharpness for each block."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    sharpness = draw(st.sampled_from([0.0, 1.0, 5.0, 30.0]))
    rows = [np.exp(sharpness * rng.normal(size=count)) for count in TINY.options]
    return [(row / row.sum()).tolist() for row in rows]


def recomputed(priced: PricedSpace, choices: Choices) -> bool:
    """Is every budget met by the whole network's cost, and not by the sum of the table's?"""
    cost = priced.cost(choices)
    return all(cost[budget.metric] <= budget.limit * (1 + 1e-9) for budget in priced.budgets)


def likelihood(rows: list[list[float]], choices: Choices) -> float:
    return -sum(row[c] for row, c in zip(log_losses(rows), choices, strict=True))


@pytest.mark.parametrize("beside", [(), (BYTES,)], ids=["one budget", "two budgets"])
@given(rows=probabilities(), share=st.floats(0.05, 0.95))
@settings(max_examples=25, deadline=None)
def test_every_candidate_meets_the_budgets_and_uses_one(
    beside: tuple[Budget, ...], rows: list[list[float]], share: float
) -> None:
    low, high = TINY.tables[0].lowest, TINY.tables[0].highest
    macs = Budget(metric="macs", limit=low + share * (high - low))
    priced = priced_space(budgets=(macs, *beside))
    listed = candidates(priced, rows, [(1,) * 6, (0,) * 6], count=8, seed=0)

    assert listed
    assert len({choices for _, choices in listed}) == len(listed)
    for _, choices in listed:
        assert recomputed(priced, choices)
        assert uses_well(priced, choices)


@given(rows=probabilities(), share=st.floats(0.0, 1.0))
@settings(max_examples=20, deadline=None)
def test_projection_is_the_likeliest_network_within_any_budget(
    rows: list[list[float]], share: float
) -> None:
    low, high = TINY.tables[0].lowest, TINY.tables[0].highest
    priced = priced_space(budgets=(Budget(metric="macs", limit=low + share * (high - low)),))

    found = projected(priced, rows)

    assert recomputed(priced, found)
    rng = np.random.default_rng(0)
    others = [tuple(int(rng.integers(n)) for n in priced.options) for _ in range(200)]
    within = [likelihood(rows, other) for other in others if priced.meets(other)]
    assert likelihood(rows, found) >= max(within, default=-np.inf) - 1e-9


def test_refill_spends_what_the_likeliest_network_leaves() -> None:
    cheapest = [[0.9] + [0.1 / (n - 1)] * (n - 1) for n in TINY.options]
    cheapest[1] = cheapest[3] = cheapest[5] = [0.01] * 6 + [0.94]  # skip

    projection, refill = projected(TINY, cheapest), refilled(TINY, cheapest)

    assert max(TINY.uses(projection)) < 0.9
    assert refill is not None
    assert 0.9 <= max(TINY.uses(refill)) <= 1
    best = max(
        likelihood(cheapest, choices)
        for choices in product(*map(range, TINY.options))
        if 0.9 <= max(TINY.uses(choices)) <= 1
    )
    assert likelihood(cheapest, refill) == pytest.approx(best, abs=0.05)


def test_a_budget_that_no_network_comes_near_is_used_as_far_as_it_goes() -> None:
    priced = priced_space(budgets=(Budget(metric="macs", limit=1e9),))
    uniform = [[1 / n] * n for n in priced.options]

    assert refilled(priced, uniform) is None
    assert len(candidates(priced, uniform, [], count=4, seed=0)) == 4


def test_samples_are_near_the_probabilities_and_distinct() -> None:
    sure = [[0.94] + [0.06 / (n - 1)] * (n - 1) for n in TINY.options]

    found = sampled(TINY, sure, 12, np.random.default_rng(0))

    assert len(set(found)) == len(found) == 12
    matches = [np.mean([choice == 0 for choice in choices]) for choices in found]
    assert np.mean(matches) > 0.3  # a seventh by chance


def test_random_networks_meet_the_budgets_and_differ_by_seed() -> None:
    drawn = [drawn_networks(TWO_BUDGETS, 6, np.random.default_rng(seed)) for seed in (0, 0, 1)]

    assert drawn[0] == drawn[1] != drawn[2]
    assert len(set(drawn[0])) == 6
    for choices in drawn[0]:
        assert recomputed(TWO_BUDGETS, choices)
        assert uses_well(TWO_BUDGETS, choices)


def test_a_band_with_few_networks_is_filled_from_below() -> None:
    lowest = TINY.tables[0].lowest
    priced = priced_space(budgets=(Budget(metric="macs", limit=lowest * 1.02),))

    drawn = drawn_networks(priced, 5, np.random.default_rng(0))

    assert drawn
    assert all(priced.meets(choices) for choices in drawn)
