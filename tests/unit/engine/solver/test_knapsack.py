"""The solver against trying every policy."""

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.catalog.baselines import PINNED_BITS, uniform_policy
from engine.cost.model import CostModel
from engine.schema.cost import Budget
from engine.schema.errors import BudgetUnreachable
from engine.schema.layers import ModelSpec
from engine.solver.knapsack import front, solve
from engine.solver.problem import Problem, policy_problem
from tests.unit.engine.solver.problems import all_choices, least_loss, problems, random_problem

SEARCHED = (2, 3, 4, 5, 6, 7, 8)


def noise_losses(layers: int) -> np.ndarray:
    """Losses as rounding noise makes them: a quarter with each bit, layers differing widely."""
    generator = np.random.default_rng(0)
    noise = 4.0 ** -np.arange(1, 9)
    weights, activations = generator.lognormal(0, 1.5, (2, layers, 1, 1))
    return weights * noise[:, None] + activations * noise


@pytest.fixture(scope="module")
def network_problem(mobilenet_v2: ModelSpec, bismo_cloud: CostModel) -> Problem:
    return policy_problem(
        mobilenet_v2,
        bismo_cloud,
        ("latency_ms", "model_bytes"),
        SEARCHED,
        SEARCHED,
        losses=noise_losses(len(mobilenet_v2.layers)),
    )


@pytest.fixture(scope="module")
def four_bit_budgets(mobilenet_v2: ModelSpec, bismo_cloud: CostModel) -> list[Budget]:
    cost = bismo_cloud.network_cost(mobilenet_v2, uniform_policy(mobilenet_v2, 4, 4))
    return [
        Budget(metric="latency_ms", limit=cost["latency_ms"]),
        Budget(metric="model_bytes", limit=cost["model_bytes"]),
    ]


@given(problem=problems(), slack=st.integers(0, 40))
def test_one_budget_is_solved_as_well_as_by_trying_every_policy(
    problem: Problem, slack: int
) -> None:
    budgets = [Budget(metric="latency_ms", limit=problem.lowest("latency_ms") + slack)]

    choice = problem.choice(solve(problem, budgets))

    assert problem.meets(choice, budgets)
    assert problem.loss(choice) == least_loss(problem, budgets)


@pytest.mark.parametrize("seed", range(20))
def test_one_budget_of_any_numbers_is_solved_exactly(seed: int) -> None:
    problem = random_problem(seed, layers=5, options=5)
    lowest, highest = (float(problem.costs["latency_ms"][:, at].sum()) for at in (0, -1))
    budgets = [Budget(metric="latency_ms", limit=lowest + 0.4 * (highest - lowest))]

    choice = problem.choice(solve(problem, budgets))

    assert problem.loss(choice) == pytest.approx(least_loss(problem, budgets))


@given(problems())
def test_the_front_is_all_that_no_policy_beats(problem: Problem) -> None:
    tried = {(problem.cost(c, "latency_ms"), problem.loss(c)) for c in all_choices(problem)}
    expected = sorted(
        (cost, loss)
        for cost, loss in tried
        if not any(c <= cost and n <= loss and (c, n) != (cost, loss) for c, n in tried)
    )

    points = front(problem, "latency_ms")

    assert [(point.cost, point.loss) for point in points] == expected


@pytest.mark.parametrize("seed", range(5))
def test_a_coarse_front_stays_within_its_stated_distance(seed: int) -> None:
    width = 12
    problem = random_problem(seed, layers=6, options=4)
    costs = problem.costs["latency_ms"]
    span = float((costs.max(axis=1) - costs.min(axis=1)).sum())
    distance = problem.layers * span / (width - 1)

    points = front(problem, "latency_ms", width=width)

    point_costs = np.array([point.cost for point in points])
    point_losses = np.array([point.loss for point in points])
    for choice in all_choices(problem):
        near = point_costs <= problem.cost(choice, "latency_ms") + distance
        assert point_losses[near].min() <= problem.loss(choice) + 1e-9


@pytest.mark.parametrize("seed", range(20))
def test_two_budgets_are_both_met_at_little_more_than_the_least_loss(seed: int) -> None:
    problem = random_problem(seed, layers=5, options=5)
    middle = {
        m: float(c.min(axis=1).sum() + c.max(axis=1).sum()) / 2 for m, c in problem.costs.items()
    }
    budgets = [
        Budget(metric="latency_ms", limit=middle["latency_ms"]),
        Budget(metric="model_bytes", limit=100 + middle["model_bytes"]),
    ]
    best = least_loss(problem, budgets)

    choice = problem.choice(solve(problem, budgets))

    assert problem.meets(choice, budgets)
    assert best - 1e-9 <= problem.loss(choice) <= 1.25 * best


@given(problem=problems(max_layers=3), slack=st.tuples(st.integers(0, 30), st.integers(0, 30)))
def test_two_budgets_are_met_or_refused(problem: Problem, slack: tuple[int, int]) -> None:
    budgets = [
        Budget(metric="latency_ms", limit=problem.lowest("latency_ms") + slack[0]),
        Budget(metric="model_bytes", limit=problem.lowest("model_bytes") + slack[1]),
    ]

    # Costs without order may hide the policies that meet both from a walk by single moves.
    with suppress(BudgetUnreachable):
        assert problem.meets(problem.choice(solve(problem, budgets)), budgets)


@pytest.mark.parametrize("seed", range(10))
def test_two_budgets_that_only_the_narrowest_widths_meet_are_met_by_those(seed: int) -> None:
    problem = random_problem(seed, layers=6, options=4)
    budgets = [
        Budget(metric=metric, limit=problem.lowest(metric))
        for metric in ("latency_ms", "model_bytes")
    ]

    choice = problem.choice(solve(problem, budgets))

    assert choice.tolist() == [0] * problem.layers


def test_a_network_front_rises_in_cost_and_falls_in_loss(network_problem: Problem) -> None:
    points = front(network_problem, "latency_ms")

    costs, losses = (
        np.array(column) for column in ([p.cost for p in points], [p.loss for p in points])
    )
    assert len(points) > 400
    assert np.all(np.diff(costs) > 0)
    assert np.all(np.diff(losses) < 0)
    assert costs[0] == pytest.approx(network_problem.lowest("latency_ms"))
    assert losses[-1] == pytest.approx(network_problem.losses.min(axis=1).sum())


def test_no_point_of_a_network_front_beats_the_solver(
    network_problem: Problem, four_bit_budgets: list[Budget]
) -> None:
    latency = four_bit_budgets[0]
    within = [p.loss for p in front(network_problem, "latency_ms") if p.cost <= latency.limit]

    choice = network_problem.choice(solve(network_problem, [latency]))

    assert network_problem.loss(choice) <= min(within) * (1 + 1e-9)
    assert network_problem.loss(choice) >= min(within) * 0.98


def test_a_network_policy_meets_every_budget_and_beats_uniform_bits(
    mobilenet_v2: ModelSpec,
    bismo_cloud: CostModel,
    network_problem: Problem,
    four_bit_budgets: list[Budget],
) -> None:
    policy = solve(network_problem, four_bit_budgets)

    cost = bismo_cloud.network_cost(mobilenet_v2, policy)
    assert all(cost[budget.metric] <= budget.limit for budget in four_bit_budgets)
    uniform = network_problem.choice(uniform_policy(mobilenet_v2, 4, 4))
    assert network_problem.loss(network_problem.choice(policy)) < 0.5 * network_problem.loss(
        uniform
    )
    assert policy["layer.0"] == policy["layer.52"] == PINNED_BITS
    assert policy.model_hash == mobilenet_v2.model_hash


def test_a_budget_below_the_floor_is_refused_with_the_floor(network_problem: Problem) -> None:
    lowest = network_problem.lowest("latency_ms")

    with pytest.raises(BudgetUnreachable, match="ask for at least") as refusal:
        solve(network_problem, [Budget(metric="latency_ms", limit=lowest * 0.999)])

    assert refusal.value.lowest == lowest


def test_the_floor_itself_can_be_asked_for(network_problem: Problem) -> None:
    lowest = network_problem.lowest("latency_ms")
    budgets = [Budget(metric="latency_ms", limit=lowest)]

    choice = network_problem.choice(solve(network_problem, budgets))

    assert network_problem.cost(choice, "latency_ms") <= lowest
