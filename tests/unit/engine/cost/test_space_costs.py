"""Blocks and whole spaces: what holds of every target and every space."""

import numpy as np
import pytest

from engine.catalog.baselines import uniform_policy
from engine.catalog.spaces import SPACES, space_entry, space_for
from engine.catalog.targets import TARGETS, target_entry
from engine.cost.pricing import cost_model
from engine.cost.space_costs import space_costs
from engine.schema.architecture import Architecture, mbconv
from engine.schema.cost import PEAK_METRICS
from engine.schema.errors import InvalidConfig
from engine.schema.lowering import block_layers, model_spec
from engine.schema.space_shape import SpaceShape
from tests.unit.engine.cost.worked_layers import bits

every_target = pytest.mark.parametrize("target_id", TARGETS)
every_space = pytest.mark.parametrize("space_id", SPACES)


@every_target
@every_space
def test_every_operation_of_every_block_is_priced(target_id: str, space_id: str) -> None:
    model = cost_model(target_entry(target_id))

    for block in space_entry(space_id).blocks:
        for op in block.ops:
            cost = model.block_cost(block, op, bits(8, 8))
            values = [value.value for value in cost.values.values()]
            assert set(cost.values) == set(model.target.metrics)
            assert all(np.isfinite(values))
            is_free = not block_layers(block, op)  # Zero, and what has no weights
            assert all(value == 0 if is_free else value > 0 for value in values)


@every_target
@pytest.mark.parametrize("form", ["mobile", "tree"])
def test_an_architecture_costs_its_parts(target_id: str, form: str) -> None:
    model = cost_model(target_entry(target_id))
    tree = space_for("cifar-tree", shape=SpaceShape(cells=(1, 1), strides=(1, 2), channels=80))
    space = tree if form == "tree" else space_entry("mobile-32")
    rng = np.random.default_rng(5)
    choices = tuple(int(rng.integers(len(block.ops))) for block in space.decisions)
    architecture = Architecture(space=space, choices=choices)
    policy = uniform_policy(model_spec(architecture), 8, 8, pinned=False)

    cost = model.network_cost(architecture, policy)

    for metric in set(model.target.metrics) - PEAK_METRICS:
        parts = space_costs(space, model, metric, bits(8, 8))
        assert parts.cost(choices) == pytest.approx(cost[metric], rel=1e-12)
        assert parts.lowest <= parts.cost(choices) <= parts.highest


def test_a_block_needs_as_much_memory_as_its_largest_layer() -> None:
    block = space_entry("mobile-24").blocks[2]
    layers = block_layers(block, mbconv(7, 6))

    cost = cost_model(target_entry("counted")).block_cost(block, mbconv(7, 6), bits(4, 4))

    assert cost["peak_activation_bytes"] == max(layer.activations for layer in layers) / 2


def test_the_size_of_a_block_has_its_batch_norm_in_it() -> None:
    block = space_entry("mobile-24").blocks[1]

    cost = cost_model(target_entry("counted")).block_cost(block, mbconv(3, 6), bits(8, 8))

    weights = 16 * 96 + 9 * 96 + 96 * 24
    assert cost["model_bytes"] == weights + 4 * 2 * (96 + 96 + 24)


def test_float_is_refused_where_a_device_has_none() -> None:
    model = cost_model(target_entry("bismo-cloud"))

    with pytest.raises(InvalidConfig, match="bismo-cloud has no latency_ms for float"):
        space_costs(space_entry("tiny"), model, "latency_ms", None)


def test_a_metric_that_the_target_lacks_is_refused() -> None:
    model = cost_model(target_entry("counted"))

    with pytest.raises(InvalidConfig, match="counted does not know energy_mj"):
        space_costs(space_entry("tiny"), model, "energy_mj", bits(8, 8))


def test_peak_memory_is_no_sum_over_blocks() -> None:
    model = cost_model(target_entry("counted"))

    with pytest.raises(InvalidConfig, match="is that of one layer"):
        space_costs(space_entry("tiny"), model, "peak_activation_bytes", bits(8, 8))
