"""Weights alone: every layer is free, bytes alone are limited, the original's enforcement."""

import pytest

from engine.catalog.baselines import uniform_policy
from engine.cost.model import CostModel
from engine.schema.cost import Budget
from engine.schema.errors import InvalidConfig
from engine.schema.layers import InputSpec, LayerSpec, ModelSpec
from engine.schema.policy import FLOAT_BITS, LayerBits, Policy
from engine.solver.enforce import lower_last_to_first
from engine.solver.knapsack import solve
from engine.solver.problem import policy_problem
from engine.solver.reach import check_budgets, reach

WIDTHS = (2, 3, 4, 5, 6, 7, 8)
FLOAT = (FLOAT_BITS,)


def network(weights: tuple[int, ...]) -> ModelSpec:
    layers = tuple(
        LayerSpec(
            name=f"layer.{index}",
            kind="pointwise",
            in_channels=1,
            out_channels=count,
            weights=count,
            macs=count,
        )
        for index, count in enumerate(weights)
    )
    return ModelSpec(
        model="toy",
        input=InputSpec(channels=1, size=1),
        classes=2,
        parameters=sum(weights),
        macs=sum(weights),
        model_hash="",
        layers=layers,
    )


def test_the_originals_enforcement_goes_from_the_last_layer_on(counted: CostModel) -> None:
    spec = network((10, 20, 30))
    problem = policy_problem(spec, counted, ("model_bytes",), WIDTHS, FLOAT)
    start = uniform_policy(spec, 4, FLOAT_BITS)
    limit = 0.1 * 32 * 60 / 8  # bytes: 192 bits

    policy = lower_last_to_first(problem, start, [Budget(metric="model_bytes", limit=limit)])

    assert [bits.weight_bits for bits in policy.layers.values()] == [4, 3, 3]
    assert policy.is_weights_only


def test_no_layer_is_pinned(mobilenet_v2: ModelSpec, counted: CostModel) -> None:
    span = reach(mobilenet_v2, counted, "model_bytes", WIDTHS, FLOAT)

    # (weights x bits + other parameters x 32) / 8, as the paper's table 6 counts.
    assert span.lowest == (3_469_760 * 2 + 35_112 * 32) / 8
    assert span.baselines[4] == 1_875_328
    budget = Budget(metric="model_bytes", limit=1.2e6)
    problem = policy_problem(mobilenet_v2, counted, ("model_bytes",), WIDTHS, FLOAT)
    policy = solve(problem, [budget])
    assert counted.network_cost(mobilenet_v2, policy)["model_bytes"] <= 1.2e6


def test_devices_know_nothing_of_float_activations(
    mobilenet_v2: ModelSpec, bismo_cloud: CostModel
) -> None:
    cost = bismo_cloud.network_cost(mobilenet_v2, uniform_policy(mobilenet_v2, 4, FLOAT_BITS))

    assert set(cost.values) == {"model_bytes", "macs"}
    with pytest.raises(InvalidConfig, match="latency_ms is not known where activations stay float"):
        check_budgets(
            mobilenet_v2, bismo_cloud, [Budget(metric="latency_ms", limit=90.0)], WIDTHS, FLOAT
        )


def test_a_policy_file_may_give_weight_bits_alone() -> None:
    assert LayerBits(weight_bits=3) == LayerBits(weight_bits=3, activation_bits=FLOAT_BITS)
    assert not Policy(layers={"a": LayerBits(weight_bits=3, activation_bits=8)}).is_weights_only
    with pytest.raises(InvalidConfig, match="activation_bits: must lie between 1 and 8, got 9"):
        LayerBits(weight_bits=3, activation_bits=9)
