"""BitFusion against published figures, hand counts and released rows.

Published: Wang et al. 2019 (HAQ), tables 4 and 5, MobileNetV1 on the 8 x 8 array; single rows of
the table that Wang et al. 2020 (APQ) release for the 16 x 32 array.
"""

from dataclasses import replace
from math import ceil

import pytest

from engine.catalog.baselines import uniform_policy
from engine.catalog.targets import target_entry
from engine.cost.model import CostModel
from engine.cost.pricing import cost_model
from engine.schema.layers import LayerSpec, ModelSpec
from engine.schema.policy import LayerBits
from tests.unit.engine.cost.worked_layers import DEPTHWISE, LINEAR, POINTWISE, bits


@pytest.fixture(scope="module")
def small_array() -> CostModel:
    return cost_model(target_entry("bitfusion"))


@pytest.fixture(scope="module")
def large_array() -> CostModel:
    return cost_model(target_entry("bitfusion-eyeriss"))


def pointwise(in_channels: int, out_channels: int, size: int) -> LayerSpec:
    return replace(
        POINTWISE,
        in_channels=in_channels,
        out_channels=out_channels,
        input_size=size,
        output_size=size,
    )


def depthwise(channels: int, size: int, kernel_size: int, stride: int = 1) -> LayerSpec:
    return replace(
        DEPTHWISE,
        in_channels=channels,
        out_channels=channels,
        groups=channels,
        kernel_size=kernel_size,
        stride=stride,
        input_size=size,
        output_size=ceil(size / stride),
    )


@pytest.mark.parametrize(
    ("weight_bits", "activation_bits", "published_ms"),
    [(4, 4, 7.86), (4, 6, 11.10), (6, 6, 19.99), (8, 8, 20.08)],
)
def test_mobilenet_v1_comes_within_4_percent_of_its_published_latency(
    small_array: CostModel,
    mobilenet_v1: ModelSpec,
    weight_bits: int,
    activation_bits: int,
    published_ms: float,
) -> None:
    policy = uniform_policy(mobilenet_v1, weight_bits, activation_bits, pinned=False)

    cost = small_array.network_cost(mobilenet_v1, policy)

    assert cost["latency_ms"] == pytest.approx(published_ms, rel=0.04)


@pytest.mark.parametrize(
    ("weight_bits", "activation_bits", "published_mj"),
    [(4, 4, 13.47), (4, 6, 16.57), (6, 6, 26.80), (8, 8, 31.03)],
)
def test_mobilenet_v1_comes_within_9_percent_of_its_published_energy(
    small_array: CostModel,
    mobilenet_v1: ModelSpec,
    weight_bits: int,
    activation_bits: int,
    published_mj: float,
) -> None:
    policy = uniform_policy(mobilenet_v1, weight_bits, activation_bits, pinned=False)

    cost = small_array.network_cost(mobilenet_v1, policy)

    assert cost["energy_mj"] == pytest.approx(published_mj, rel=0.09)


@pytest.mark.parametrize(
    ("layer", "widths", "latency_us", "energy_uj"),
    [
        (POINTWISE, bits(8, 8), 155.3, 225.1),
        (POINTWISE, bits(4, 8), 78.5, 186.8),
        (POINTWISE, bits(8, 4), 79.2, 188.3),
        (POINTWISE, bits(4, 4), 77.6, 167.6),
        (POINTWISE, bits(2, 2), 77.2, 158.0),
        (DEPTHWISE, bits(8, 8), 76.3, 165.0),
        (DEPTHWISE, bits(4, 8), 75.9, 155.5),
        (DEPTHWISE, bits(8, 4), 76.1, 156.0),
        (DEPTHWISE, bits(4, 4), 76.1, 156.0),
        (DEPTHWISE, bits(2, 2), 76.9, 157.4),
        (LINEAR, bits(8, 8), 161.2, 330.3),
        (LINEAR, bits(4, 8), 81.2, 166.3),
        (LINEAR, bits(4, 4), 81.1, 161.4),
    ],
    ids=lambda value: value.kind if isinstance(value, LayerSpec) else None,
)
def test_layers_cost_what_was_worked_out_by_hand(
    small_array: CostModel,
    layer: LayerSpec,
    widths: LayerBits,
    latency_us: float,
    energy_uj: float,
) -> None:
    cost = small_array.layer_cost(layer, widths)

    assert cost["latency_ms"] * 1e3 == pytest.approx(latency_us, abs=0.051)
    assert cost["energy_mj"] * 1e3 == pytest.approx(energy_uj, abs=0.051)


@pytest.mark.parametrize(
    ("layer", "widths", "released_ms", "released_mj"),
    [
        (pointwise(96, 480, 14), bits(4, 4), 0.065424, 0.112287),
        (pointwise(192, 768, 7), bits(4, 4), 0.031624, 0.054600),
        (pointwise(768, 192, 7), bits(4, 4), 0.017120, 0.030836),
        (pointwise(96, 384, 14), bits(8, 4), 0.054032, 0.094138),
        (pointwise(432, 80, 14), bits(8, 4), 0.026584, 0.049329),
    ],
)
def test_released_rows_of_pointwise_layers_are_met_within_2_percent(
    large_array: CostModel,
    layer: LayerSpec,
    widths: LayerBits,
    released_ms: float,
    released_mj: float,
) -> None:
    cost = large_array.layer_cost(layer, widths)

    assert cost["latency_ms"] == pytest.approx(released_ms, rel=0.02)
    assert cost["energy_mj"] == pytest.approx(released_mj, rel=0.02)


@pytest.mark.parametrize(
    ("layer", "widths", "released_ms"),
    [
        (depthwise(120, 56, 3), bits(6, 8), 0.852090),
        (depthwise(104, 56, 3), bits(6, 8), 0.738478),
        (depthwise(64, 112, 3, stride=2), bits(8, 4), 0.227464),
        (depthwise(120, 56, 3), bits(8, 4), 0.455856),
        (depthwise(512, 14, 3), bits(8, 4), 0.126592),
        (depthwise(320, 14, 5), bits(8, 4), 0.214360),
        (depthwise(488, 14, 3), bits(4, 4), 0.089792),
    ],
)
def test_released_rows_of_depthwise_layers_are_met_exactly(
    large_array: CostModel,
    layer: LayerSpec,
    widths: LayerBits,
    released_ms: float,
) -> None:
    cost = large_array.layer_cost(layer, widths)

    assert cost["latency_ms"] == pytest.approx(released_ms, rel=1e-9)


def test_widths_between_bricks_compute_as_the_next_one_up_and_move_fewer_bits(
    small_array: CostModel,
) -> None:
    at_5, at_8 = (small_array.layer_cost(LINEAR, bits(width, 8)) for width in (5, 8))
    busy_5, busy_8 = (small_array.layer_cost(POINTWISE, bits(width, 8)) for width in (5, 8))

    # The classifier waits for its weights, the 1x1 convolution for the array.
    assert at_5["latency_ms"] == pytest.approx(at_8["latency_ms"] * 5 / 8, rel=0.01)
    assert busy_5["latency_ms"] == pytest.approx(busy_8["latency_ms"], rel=0.01)


def test_a_grouped_layer_costs_its_groups_as_separate_products(small_array: CostModel) -> None:
    grouped = replace(POINTWISE, kind="grouped", groups=4)
    part = replace(POINTWISE, in_channels=16, out_channels=96)

    whole, one = (small_array.layer_cost(layer, bits(4, 4)) for layer in (grouped, part))

    assert whole["latency_ms"] == pytest.approx(4 * one["latency_ms"])
    assert whole["energy_mj"] == pytest.approx(4 * one["energy_mj"])


@pytest.mark.parametrize("target_id", ["bitfusion", "bitfusion-eyeriss"])
def test_the_person_who_chooses_is_told_about_missing_widths(target_id: str) -> None:
    target = target_entry(target_id)

    assert target.weight_bits == target.activation_bits == (2, 4, 8)
    assert "compute as the next width" in target.description
    assert "keeps the exact bits" in target.description
