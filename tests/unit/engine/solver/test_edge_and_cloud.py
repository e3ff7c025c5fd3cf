"""Policies for the edge and for the cloud differ as the paper says, on the real cost tables.

Every layer loses alike, so that only the devices decide; at the latency of uniform 4 bit, 224 px.
"""

from statistics import fmean

import numpy as np
import pytest

from engine.catalog.baselines import uniform_policy
from engine.catalog.models import layer_table
from engine.catalog.targets import target_entry
from engine.cost.pricing import cost_model
from engine.schema.cost import Budget
from engine.schema.layers import LayerKind, LayerSpec, ModelSpec
from engine.schema.policy import Policy
from engine.solver.knapsack import solve
from engine.solver.problem import policy_problem

WIDTHS = tuple(range(2, 9))
NOISE = 4.0 ** -np.arange(1, 9)


def network(model: str) -> ModelSpec:
    spec = layer_table(model)
    assert spec is not None
    return spec


def found(spec: ModelSpec, target: str) -> Policy:
    costs = cost_model(target_entry(target))
    losses = np.broadcast_to(NOISE[:, None] + NOISE, (len(spec.layers), 8, 8))
    limit = costs.network_cost(spec, uniform_policy(spec, 4, 4))["latency_ms"]
    problem = policy_problem(spec, costs, ("latency_ms",), WIDTHS, WIDTHS, losses=losses.copy())
    return solve(problem, [Budget(metric="latency_ms", limit=limit)])


def mean_bits(policy: Policy, layers: tuple[LayerSpec, ...], kind: LayerKind) -> float:
    return fmean(policy[layer.name].activation_bits for layer in layers if layer.kind == kind)


@pytest.mark.parametrize("model", ["mobilenet_v1", "mobilenet_v2"])
def test_on_the_edge_depthwise_activations_get_far_fewer_bits(model: str) -> None:
    spec = network(model)
    inner = spec.layers[1:-1]

    edge, cloud = found(spec, "bismo-edge"), found(spec, "bismo-cloud")

    on_edge = mean_bits(edge, inner, "pointwise") - mean_bits(edge, inner, "depthwise")
    on_cloud = mean_bits(cloud, inner, "pointwise") - mean_bits(cloud, inner, "depthwise")
    assert on_edge > 1.5
    assert on_edge > on_cloud + 1


def test_in_the_cloud_the_last_depthwise_layers_get_more_bits_than_pointwise_ones() -> None:
    spec = network("mobilenet_v1")
    first, last = spec.layers[1:10], spec.layers[-6:-1]

    edge, cloud = found(spec, "bismo-edge"), found(spec, "bismo-cloud")

    assert mean_bits(cloud, last, "depthwise") > mean_bits(cloud, last, "pointwise")
    assert mean_bits(edge, last, "depthwise") < mean_bits(edge, last, "pointwise")
    assert mean_bits(cloud, first, "depthwise") < mean_bits(cloud, first, "pointwise")
