"""BISMO's edge configuration against the totals it is fitted to, and hand counts.

Published: Wang et al. 2019, latencies of MobileNetV1 and V2 at uniform bits, without the first
convolution and the classifier.
"""

from dataclasses import replace

import pytest

from engine.catalog.targets import target_entry
from engine.cost.model import CostModel
from engine.cost.pricing import cost_model
from engine.schema.layers import LayerSpec, ModelSpec
from tests.unit.engine.cost.worked_layers import DEPTHWISE, LINEAR, POINTWISE, bits


@pytest.fixture(scope="module")
def bismo_edge() -> CostModel:
    return cost_model(target_entry("bismo-edge"))


def inner_latency_ms(model: CostModel, spec: ModelSpec, width: int) -> float:
    inner = spec.layers[1:-1]
    return sum(model.layer_cost(layer, bits(width, width))["latency_ms"] for layer in inner)


@pytest.mark.parametrize(
    ("width", "published_ms"), [(4, 45.45), (5, 57.75), (6, 70.67), (8, 96.20)]
)
def test_mobilenet_v1_comes_within_3_percent_of_its_published_latency(
    bismo_edge: CostModel, mobilenet_v1: ModelSpec, width: int, published_ms: float
) -> None:
    assert inner_latency_ms(bismo_edge, mobilenet_v1, width) == pytest.approx(
        published_ms, rel=0.03
    )


@pytest.mark.parametrize(
    ("width", "published_ms"), [(4, 52.15), (5, 66.94), (6, 82.49), (8, 115.84)]
)
def test_mobilenet_v2_comes_within_3_percent_of_its_published_latency(
    bismo_edge: CostModel, mobilenet_v2: ModelSpec, width: int, published_ms: float
) -> None:
    assert inner_latency_ms(bismo_edge, mobilenet_v2, width) == pytest.approx(
        published_ms, rel=0.03
    )


@pytest.mark.parametrize(
    ("layer", "weight_bits", "activation_bits", "latency_us"),
    [
        (POINTWISE, 8, 8, 553.0),
        (POINTWISE, 4, 8, 276.5),
        (POINTWISE, 8, 4, 276.5),
        (POINTWISE, 4, 4, 138.2),
        (POINTWISE, 2, 2, 63.4),
        (DEPTHWISE, 8, 8, 2950.3),
        (DEPTHWISE, 4, 8, 2950.3),
        (DEPTHWISE, 8, 4, 1475.2),
        (DEPTHWISE, 2, 2, 737.6),
        (LINEAR, 8, 8, 3200),
        (LINEAR, 4, 8, 1600),
    ],
    ids=lambda value: value.kind if isinstance(value, LayerSpec) else None,
)
def test_layers_cost_what_was_worked_out_by_hand(
    bismo_edge: CostModel,
    layer: LayerSpec,
    weight_bits: int,
    activation_bits: int,
    latency_us: float,
) -> None:
    cost = bismo_edge.layer_cost(layer, bits(weight_bits, activation_bits))

    # Half a digit and a little: one of them ends in exactly 5.
    assert cost["latency_ms"] * 1e3 == pytest.approx(
        latency_us, abs=0.5 if layer is LINEAR else 0.051
    )


def test_depthwise_layers_wait_for_memory_and_pointwise_ones_compute(bismo_edge: CostModel) -> None:
    assert bismo_edge.layer_cost(DEPTHWISE, bits(8, 8)).bound == "memory"
    assert bismo_edge.layer_cost(POINTWISE, bits(8, 8)).bound == "compute"


def test_a_grouped_layer_costs_its_groups_as_separate_products(bismo_edge: CostModel) -> None:
    part = replace(POINTWISE, in_channels=16, out_channels=96)
    grouped = replace(POINTWISE, kind="grouped", groups=4)

    whole, one = (bismo_edge.layer_cost(layer, bits(5, 6)) for layer in (grouped, part))

    assert whole["latency_ms"] == pytest.approx(4 * one["latency_ms"])


def test_what_is_not_validated_is_said(bismo_edge: CostModel) -> None:
    assert bismo_edge.target.provenance == "fit"
    assert "not validated" in bismo_edge.target.validation
    assert "extrapolated" in bismo_edge.target.validation
