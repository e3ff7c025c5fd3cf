"""Layers that read one tensor share its bits."""

from dataclasses import replace

import numpy as np
import pytest

from engine.cost.model import CostModel
from engine.schema.cost import Budget
from engine.schema.layers import ModelSpec
from engine.schema.policy import LayerBits, Policy
from engine.solver.enforce import lower, lower_last_to_first
from engine.solver.knapsack import solve
from engine.solver.problem import Problem, layer_groups, policy_problem

WIDTHS = (2, 4, 8)


@pytest.fixture
def forked(mobilenet_v2: ModelSpec) -> ModelSpec:
    """A network whose fourth, sixth and eighth layer read one tensor."""
    names = [mobilenet_v2.layers[index].name for index in (3, 5, 7)]
    return replace(mobilenet_v2, shared_inputs=(tuple(names),))


@pytest.fixture
def problem(forked: ModelSpec, bismo_cloud: CostModel) -> Problem:
    losses = np.random.default_rng(0).uniform(0, 1, (len(forked.layers), 8, 8))
    return policy_problem(forked, bismo_cloud, ("latency_ms",), WIDTHS, WIDTHS, losses=losses)


def inputs(policy: Policy, spec: ModelSpec) -> set[int]:
    return {policy[name].activation_bits for name in spec.shared_inputs[0]}


def test_the_solver_gives_them_one_width_and_each_its_own_weights(
    problem: Problem, forked: ModelSpec, bismo_cloud: CostModel
) -> None:
    seen = set()
    for share in (0.3, 0.4, 0.5, 0.7, 0.9):
        limit = share * problem.cost(problem.costs["latency_ms"].argmax(axis=1), "latency_ms")
        policy = solve(problem, [Budget(metric="latency_ms", limit=limit)])

        assert len(inputs(policy, forked)) == 1
        assert bismo_cloud.network_cost(forked, policy)["latency_ms"] <= limit
        seen |= {len({policy[name].weight_bits for name in forked.shared_inputs[0]})}
    assert max(seen) > 1


def test_a_policy_keeps_the_order_of_the_layers(problem: Problem, forked: ModelSpec) -> None:
    policy = problem.policy(np.zeros(problem.layers, dtype=int))

    assert list(policy) == [layer.name for layer in forked.layers]
    assert problem.layers == len(forked.layers) - 2
    assert problem.policy(problem.choice(policy)) == policy


def test_a_proposal_that_disagrees_follows_the_first_reader(
    problem: Problem, forked: ModelSpec
) -> None:
    start = problem.policy(np.zeros(problem.layers, dtype=int))
    first, second, _ = forked.shared_inputs[0]
    changed = {
        first: LayerBits(weight_bits=2, activation_bits=4),
        second: LayerBits(weight_bits=8, activation_bits=2),
    }

    policy = problem.policy(problem.choice(replace(start, layers={**start.layers, **changed})))

    assert inputs(policy, forked) == {4}
    assert policy[second].weight_bits == 8


@pytest.mark.parametrize("lowering", [lower, lower_last_to_first])
def test_lowering_keeps_them_together(
    problem: Problem, forked: ModelSpec, lowering: object
) -> None:
    widest = problem.policy(problem.costs["latency_ms"].argmax(axis=1))
    assert callable(lowering)

    policy = lowering(problem, widest, [Budget(metric="latency_ms", limit=70.0)])

    assert len(inputs(policy, forked)) == 1


def test_a_reader_of_the_image_keeps_the_first_layers_width(
    mobilenet_v2: ModelSpec, bismo_cloud: CostModel
) -> None:
    names = (mobilenet_v2.layers[0].name, mobilenet_v2.layers[4].name)
    spec = replace(mobilenet_v2, shared_inputs=(names,))
    problem = policy_problem(spec, bismo_cloud, ("latency_ms",), WIDTHS, WIDTHS)

    policy = problem.policy(np.zeros(problem.layers, dtype=int))

    assert policy[names[0]] == LayerBits(weight_bits=8, activation_bits=8)
    assert policy[names[1]] == LayerBits(weight_bits=2, activation_bits=8)
    assert problem.policy(problem.choice(policy)) == policy


def test_of_a_tensor_that_many_read_three_share_a_decision(mobilenet_v2: ModelSpec) -> None:
    names = tuple(layer.name for layer in mobilenet_v2.layers[2:9])
    spec = replace(mobilenet_v2, shared_inputs=(names,))

    groups = [group for group in layer_groups(spec) if len(group) > 1]

    assert [len(group) for group in groups] == [3, 3]
    assert sum(map(len, layer_groups(spec))) == 53
