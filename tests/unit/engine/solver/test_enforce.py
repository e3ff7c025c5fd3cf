"""Lowering into budgets and spending what is left of them."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.catalog.baselines import PINNED_BITS, uniform_policy
from engine.cost.model import CostModel
from engine.schema.cost import Budget
from engine.schema.errors import BudgetUnreachable
from engine.schema.layers import ModelSpec
from engine.schema.policy import LayerBits, Policy
from engine.solver.enforce import lower, lower_last_to_first, refill
from engine.solver.problem import Choice, Problem, policy_problem
from tests.unit.engine.solver.problems import problem_of, problems, random_problem

SEARCHED = (2, 3, 4, 5, 6, 7, 8)


@pytest.fixture(scope="module")
def network_problem(mobilenet_v2: ModelSpec, bismo_cloud: CostModel) -> Problem:
    metrics = ("latency_ms", "model_bytes")
    return policy_problem(mobilenet_v2, bismo_cloud, metrics, SEARCHED, SEARCHED)


def budget(limit: float) -> list[Budget]:
    return [Budget(metric="latency_ms", limit=limit)]


def widest(problem: Problem) -> Choice:
    return np.full(problem.layers, problem.losses.shape[1] - 1)


def test_lowering_gives_up_least_loss_for_the_cost_it_must_save() -> None:
    problem = problem_of(
        losses=np.array([[9.0, 0.0], [1.0, 0.0], [4.0, 0.0]]),
        latency_ms=np.array([[1.0, 2.0], [1.0, 2.0], [1.0, 4.0]]),
    )

    lowered = lower(problem, problem.policy(widest(problem)), budget(7))

    assert problem.choice(lowered).tolist() == [1, 0, 1]


def test_lowering_leaves_a_policy_that_fits_as_it_is() -> None:
    problem = random_problem(0, layers=4, options=4)
    policy = problem.policy(np.array([1, 0, 2, 1]))

    assert lower(problem, policy, budget(1e9)) == policy


@given(problem=problems(), share=st.floats(0, 1), data=st.data())
def test_lowering_ends_within_any_budget_that_one_metric_can_meet(
    problem: Problem, share: float, data: st.DataObject
) -> None:
    options = problem.losses.shape[1]
    start = np.array([data.draw(st.integers(0, options - 1)) for _ in range(problem.layers)])
    lowest = problem.lowest("latency_ms")
    limit = lowest + share * (problem.cost(start, "latency_ms") - lowest)

    lowered = lower(problem, problem.policy(start), budget(limit))

    assert problem.meets(problem.choice(lowered), budget(limit))


@pytest.mark.parametrize("seed", range(10))
def test_lowering_meets_several_budgets_at_once(seed: int) -> None:
    problem = random_problem(seed, layers=8, options=5)
    budgets = [
        Budget(metric=metric, limit=problem.lowest(metric) * 1.5)
        for metric in ("latency_ms", "model_bytes")
    ]

    lowered = lower(problem, problem.policy(widest(problem)), budgets)

    assert problem.meets(problem.choice(lowered), budgets)


@pytest.mark.parametrize("lowering", [lower, lower_last_to_first])
def test_a_budget_below_the_floor_is_refused(lowering: object, network_problem: Problem) -> None:
    policy = network_problem.policy(np.zeros(network_problem.layers, dtype=int))
    assert callable(lowering)

    with pytest.raises(BudgetUnreachable) as refusal:
        lowering(network_problem, policy, budget(1.0))

    assert refusal.value.lowest == network_problem.lowest("latency_ms")


@given(problem=problems(), slack=st.integers(0, 20), data=st.data())
def test_refilling_never_loses_and_leaves_no_gain_that_fits(
    problem: Problem, slack: int, data: st.DataObject
) -> None:
    options = problem.losses.shape[1]
    start = np.array([data.draw(st.integers(0, options - 1)) for _ in range(problem.layers)])
    budgets = budget(problem.cost(start, "latency_ms") + slack)

    filled = problem.choice(refill(problem, problem.policy(start), budgets))

    assert problem.meets(filled, budgets)
    assert problem.loss(filled) <= problem.loss(start)
    for layer in range(problem.layers):
        for option in range(options):
            moved = filled.copy()
            moved[layer] = option
            assert not problem.meets(moved, budgets) or problem.loss(moved) >= problem.loss(filled)


def test_refilling_spends_where_most_loss_is_avoided_by_cost() -> None:
    problem = problem_of(
        losses=np.array([[9.0, 0.0], [1.0, 0.0], [4.0, 0.0]]),
        latency_ms=np.array([[1.0, 3.0], [1.0, 2.0], [1.0, 2.0]]),
    )

    filled = refill(problem, problem.policy(np.zeros(3, dtype=int)), budget(6))

    assert problem.choice(filled).tolist() == [1, 0, 1]


def test_refilling_takes_bits_that_cost_and_gain_nothing() -> None:
    problem = problem_of(losses=np.zeros((1, 3)), latency_ms=np.array([[1.0, 1.0, 2.0]]))

    filled = refill(problem, problem.policy(np.zeros(1, dtype=int)), budget(1))

    assert problem.choice(filled).tolist() == [1]


def test_refilling_widens_the_weights_of_layers_that_memory_bounds(
    mobilenet_v2: ModelSpec, network_problem: Problem
) -> None:
    narrow = uniform_policy(mobilenet_v2, 2, 2)

    filled = refill(network_problem, narrow, budget(1.01 * network_problem.lowest("latency_ms")))

    early_depthwise = [
        layer.name for layer in mobilenet_v2.layers[:25] if layer.kind == "depthwise"
    ]
    assert {filled[name].weight_bits for name in early_depthwise} == {8}


def test_enforcement_pins_the_ends_of_a_policy_that_fits(
    mobilenet_v2: ModelSpec, network_problem: Problem
) -> None:
    unpinned = uniform_policy(mobilenet_v2, 2, 2, pinned=False)

    lowered = lower(network_problem, unpinned, budget(100.0))

    assert lowered["layer.0"] == lowered["layer.52"] == PINNED_BITS


def test_the_originals_passes_end_where_its_code_ends(
    mobilenet_v2: ModelSpec, bismo_cloud: CostModel, network_problem: Problem
) -> None:
    """From 8 bits to 0.3 of their cost: six passes, the last of which lowers two layers.

    The original counts the image at 8 bits in the full cost, and at 7 afterwards.
    """
    start = uniform_policy(mobilenet_v2, 8, 8)
    full = network_problem.cost(network_problem.choice(start), "latency_ms")
    costs = network_problem.costs["latency_ms"].copy()
    image_at_7 = LayerBits(weight_bits=8, activation_bits=7)
    costs[0] = bismo_cloud.layer_cost(mobilenet_v2.layers[0], image_at_7)["latency_ms"]
    faithful = replace(network_problem, costs={"latency_ms": costs})

    lowered = lower_last_to_first(faithful, start, budget(0.3 * full))

    assert widths(lowered, slice(1, 50)) == {(3, 3)}
    assert widths(lowered, slice(50, 52)) == {(2, 2)}
    assert widths(lowered, slice(52, 53)) == {(8, 8)}


def test_the_originals_passes_lower_activations_before_weights() -> None:
    options = tuple(LayerBits(weight_bits=w, activation_bits=a) for w in (2, 4) for a in (2, 4))
    problem = Problem(
        names=("only",),
        groups=(("only",),),
        options=(tuple((bits,) for bits in options),),
        costs={"latency_ms": np.array([[4.0, 8.0, 8.0, 16.0]])},
        losses=np.zeros((1, 4)),
        fixed={},
    )
    start = Policy(layers={"only": LayerBits(weight_bits=4, activation_bits=4)})

    lowered = lower_last_to_first(problem, start, budget(8.0))

    assert lowered["only"] == LayerBits(weight_bits=4, activation_bits=2)


def widths(policy: Policy, layers: slice) -> set[tuple[int, int]]:
    bits = list(policy.layers.values())[layers]
    return {(layer.weight_bits, layer.activation_bits) for layer in bits}
