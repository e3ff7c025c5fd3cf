"""From a network to arrays and back."""

import numpy as np
import pytest

from engine.catalog.baselines import uniform_policy
from engine.cost.model import CostModel
from engine.schema.cost import Budget
from engine.schema.layers import ModelSpec
from engine.solver.problem import policy_problem


def test_a_choice_costs_what_the_cost_model_says_to_the_last_bit(
    mobilenet_v2: ModelSpec, bismo_cloud: CostModel
) -> None:
    metrics = bismo_cloud.target.metrics
    problem = policy_problem(mobilenet_v2, bismo_cloud, metrics, (3, 5), (4, 6, 7))
    choice = np.random.default_rng(0).integers(0, 6, problem.layers)

    cost = bismo_cloud.network_cost(mobilenet_v2, problem.policy(choice))

    assert all(problem.cost(choice, metric) == cost[metric] for metric in metrics)


def test_a_policy_comes_back_from_its_choice(mobilenet_v2: ModelSpec, counted: CostModel) -> None:
    problem = policy_problem(mobilenet_v2, counted, ("model_bytes",), (2, 4), (3, 8))
    policy = uniform_policy(mobilenet_v2, 4, 3)

    assert problem.policy(problem.choice(policy)) == policy


def test_pinned_layers_keep_8_bits_that_the_search_does_not_offer(
    mobilenet_v2: ModelSpec, counted: CostModel
) -> None:
    problem = policy_problem(mobilenet_v2, counted, ("model_bytes",), (2,), (2, 3))

    policy = problem.policy(np.ones(problem.layers, dtype=int))

    assert policy == uniform_policy(mobilenet_v2, 2, 3)


def test_bits_that_are_no_option_are_a_fault_of_the_caller(
    mobilenet_v2: ModelSpec, counted: CostModel
) -> None:
    problem = policy_problem(mobilenet_v2, counted, ("model_bytes",), (2, 4), (2, 4))

    with pytest.raises(ValueError, match="not in tuple"):
        problem.choice(uniform_policy(mobilenet_v2, 3, 3))


def test_losses_are_made_monotone(mobilenet_v2: ModelSpec, counted: CostModel) -> None:
    losses = np.zeros((53, 8, 8))
    losses[5, 7, 7] = 1.0  # 8 bits that lose more than 2

    problem = policy_problem(mobilenet_v2, counted, ("bit_ops",), (2, 8), (2, 8), losses=losses)

    assert problem.losses[5].tolist() == [1.0, 1.0, 1.0, 1.0]


def test_a_budget_is_met_by_what_costs_exactly_as_much(
    mobilenet_v2: ModelSpec, bismo_cloud: CostModel
) -> None:
    policy = uniform_policy(mobilenet_v2, 4, 4)
    limit = bismo_cloud.network_cost(mobilenet_v2, policy)["latency_ms"]
    problem = policy_problem(mobilenet_v2, bismo_cloud, ("latency_ms",), (2, 4), (2, 4))
    choice = problem.choice(policy)

    assert problem.meets(choice, [Budget(metric="latency_ms", limit=limit)])
    assert not problem.meets(choice, [Budget(metric="latency_ms", limit=limit * (1 - 1e-9))])
