"""Prices out of tables of measured times."""

import random

import pytest

from engine.catalog.baselines import uniform_policy
from engine.catalog.models import layer_table
from engine.catalog.spaces import SPACES, space_for
from engine.catalog.tables import table_id, table_target
from engine.cost.pricing import cost_model
from engine.cost.space_costs import space_costs
from engine.cost.table_coverage import coverage, model_parts
from engine.schema.architecture import Architecture
from engine.schema.codec import from_json, to_json
from engine.schema.cost_table import CostTable
from engine.schema.errors import InvalidConfig
from engine.schema.layers import ModelSpec
from engine.schema.lowering import model_spec
from engine.schema.policy import LayerBits
from engine.schema.space_shape import SpaceShape
from tests.unit.engine.cost.measured_tables import (
    end_to_end,
    part_ms,
    table_of_model,
    table_of_space,
)

TINY = SPACES["tiny"]


@pytest.fixture(scope="module")
def small() -> ModelSpec:
    spec = layer_table("mobilenet_v2_small")
    assert spec is not None
    return spec


def test_a_network_costs_the_sum_of_its_rows(small: ModelSpec) -> None:
    model = cost_model(table_target(table_of_model(small)))

    cost = model.network_cost(small, None)

    expected = sum(part_ms(part) for part in model_parts(small.layers))
    assert cost["latency_ms"] == pytest.approx(expected)
    assert cost.values["latency_ms"].provenance == "measured"


def test_a_blocks_time_is_shared_among_its_layers(small: ModelSpec) -> None:
    model = cost_model(table_target(table_of_model(small)))
    part = next(part for part in model_parts(small.layers) if len(part) == 3)

    shares = [cost["latency_ms"] for cost in model.layer_costs(small, None)]

    at = small.layers.index(part[0])
    assert sum(shares[at : at + 3]) == pytest.approx(part_ms(part))
    assert min(shares) > 0


def test_every_width_runs_as_int8(small: ModelSpec) -> None:
    model = cost_model(table_target(table_of_model(small)))

    at_8, at_2 = (
        model.network_cost(small, uniform_policy(small, bits, bits, pinned=False))
        for bits in (8, 2)
    )

    assert at_2["latency_ms"] == at_8["latency_ms"]
    assert at_8["latency_ms"] == pytest.approx(0.5 * model.network_cost(small, None)["latency_ms"])
    assert at_2["model_bytes"] < at_8["model_bytes"]


def test_whole_networks_are_corrected_by_precision(small: ModelSpec) -> None:
    corrections = {"fp32": end_to_end(0.9, 0.2), "int8": end_to_end(0.8, 0.1)}
    model = cost_model(table_target(table_of_model(small, end_to_end=corrections)))
    plain = cost_model(table_target(table_of_model(small)))
    policy = uniform_policy(small, 8, 8, pinned=False)

    in_float, at_bits = model.network_cost(small, None), model.network_cost(small, policy)

    assert in_float["latency_ms"] == pytest.approx(
        0.9 * plain.network_cost(small, None)["latency_ms"] + 0.2
    )
    assert at_bits["latency_ms"] == pytest.approx(
        0.8 * plain.network_cost(small, policy)["latency_ms"] + 0.1
    )


def test_the_solvers_table_and_its_fixed_part_add_up_to_the_network(small: ModelSpec) -> None:
    corrections = {"fp32": end_to_end(0.9, 0.2), "int8": end_to_end(0.8, 0.1)}
    model = cost_model(table_target(table_of_model(small, end_to_end=corrections)))

    table = model.cost_table(small.layers, "latency_ms")

    total = model.network_cost(small, uniform_policy(small, 4, 6, pinned=False))["latency_ms"]
    assert table[:, 3, 5].sum() + model.fixed_cost(small, "latency_ms") == pytest.approx(total)


@pytest.mark.parametrize("bits", [None, LayerBits(weight_bits=8, activation_bits=8)])
def test_a_spaces_costs_are_its_networks(bits: LayerBits | None) -> None:
    corrections = {"fp32": end_to_end(0.9, 0.2), "int8": end_to_end(0.8, 0.1)}
    model = cost_model(table_target(table_of_space(TINY, end_to_end=corrections)))
    costs = space_costs(TINY, model, "latency_ms", bits)
    draw = random.Random(0)
    choices = tuple(draw.randrange(len(block.ops)) for block in TINY.blocks)
    architecture = Architecture(space=TINY, choices=choices)
    spec = model_spec(architecture)
    policy = None if bits is None else uniform_policy(spec, 8, 8, pinned=False)

    assert costs.cost(choices) == pytest.approx(model.network_cost(spec, policy)["latency_ms"])


def test_a_layer_without_a_row_is_an_error_that_names_it(small: ModelSpec) -> None:
    model = cost_model(table_target(table_of_space(TINY)))

    with pytest.raises(
        InvalidConfig, match=r"table:bench@.* has no row for features\.1\.conv\.0\.0 \(dep"
    ):
        model.network_cost(small, None)


def test_an_operation_without_a_row_is_named_with_its_block() -> None:
    wider = space_for("tiny", shape=SpaceShape(widths=(24, 48, 80)))
    model = cost_model(table_target(table_of_space(TINY)))

    with pytest.raises(
        InvalidConfig,
        match=r"target: table:bench@\S+ cannot price mbconv-k3-e3 of blocks\.2: \S+ has no row",
    ):
        space_costs(wider, model, "latency_ms", None)


def test_coverage_names_the_holes(small: ModelSpec) -> None:
    table = table_of_space(TINY)

    whole, partly = coverage(table, spaces=[TINY], models=[small])

    assert whole.is_whole
    assert whole.covered == whole.total > 30
    assert partly.id == "mobilenet_v2_small"
    assert "block 16x16x16 -> 16x16x8 k3 e1 s1" in partly.holes
    assert partly.covered + len(partly.holes) == partly.total


def test_a_table_is_known_by_what_is_in_it() -> None:
    table = table_of_space(TINY)
    read_back = from_json(CostTable, to_json(table))
    other = table_of_space(TINY, batch=2)

    assert read_back == table
    assert table_id(read_back) == table_id(table)
    assert table_id(other) != table_id(table)
    assert table_id(table).startswith("table:bench@")


def test_a_table_says_how_far_it_can_be_trusted() -> None:
    checked = table_target(table_of_space(TINY, end_to_end={"int8": end_to_end(0.8, 0.1)}))
    unchecked = table_target(table_of_space(TINY))

    assert "mean error of 2.1 %" in checked.validation
    assert "no whole network was compared" in unchecked.validation
    assert "no kernels below 8 bits" in unchecked.validation
