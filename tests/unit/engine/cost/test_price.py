"""The price report: the shape that scripts and pages read."""

import json
from contextlib import nullcontext

import pytest

from engine.catalog.baselines import uniform_policy
from engine.catalog.targets import TARGETS, target_entry
from engine.cost.model import CostModel
from engine.cost.price import price
from engine.cost.pricing import cost_model
from engine.schema.errors import InvalidConfig
from engine.schema.layers import ModelSpec


def test_the_total_covers_all_layers_and_the_published_one_leaves_out_the_ends(
    bismo_cloud: CostModel, mobilenet_v2: ModelSpec
) -> None:
    policy = uniform_policy(mobilenet_v2, 8, 8, pinned=False)

    report = price(mobilenet_v2, bismo_cloud, policy)

    assert report["batch"] == 16
    assert report["total"]["latency_ms"]["value"] == pytest.approx(198.1, abs=0.05)
    assert report["total"]["latency_ms"]["provenance"] == "simulated"
    assert report["total"]["model_bytes"] == {"value": 3_610_208, "provenance": "counted"}
    assert report["published_total"] == {
        "latency_ms": pytest.approx(189.82, rel=1e-3),
        "convention": "without the first convolution and the classifier",
    }


def test_the_total_is_the_sum_of_the_layers(
    bismo_cloud: CostModel, mobilenet_v2: ModelSpec
) -> None:
    report = price(mobilenet_v2, bismo_cloud, uniform_policy(mobilenet_v2, 3, 4))

    total = report["total"]["latency_ms"]["value"]
    assert total == pytest.approx(sum(layer["latency_ms"] for layer in report["layers"]))


def test_each_layer_has_its_bits_and_what_bounds_it(
    bismo_cloud: CostModel, mobilenet_v2: ModelSpec
) -> None:
    report = price(mobilenet_v2, bismo_cloud, uniform_policy(mobilenet_v2, 3, 4))

    first, second = report["layers"][:2]
    assert (first["weight_bits"], first["activation_bits"]) == (8, 8)
    assert (second["weight_bits"], second["activation_bits"]) == (3, 4)
    assert second["kind"] == "depthwise"
    assert second["bound"] == "memory"


def test_a_target_without_a_device_has_neither_bounds_nor_a_published_total(
    counted: CostModel, mobilenet_v2: ModelSpec
) -> None:
    report = price(mobilenet_v2, counted, uniform_policy(mobilenet_v2, 4, 4))

    assert "published_total" not in report
    assert all("bound" not in layer for layer in report["layers"])


def test_float_lists_layers_without_bits(counted: CostModel, mobilenet_v2: ModelSpec) -> None:
    report = price(mobilenet_v2, counted, None)

    assert report["total"]["model_bytes"]["value"] == 14_019_488
    assert report["layers"][0]["weight_bits"] is None
    assert report["layers"][0]["model_bytes"] == 4 * 864


def test_float_on_a_target_that_prices_bits_is_refused_with_a_way_out(
    bismo_cloud: CostModel, mobilenet_v2: ModelSpec
) -> None:
    with pytest.raises(InvalidConfig, match=r"prices bits only.*or price float on the target"):
        price(mobilenet_v2, bismo_cloud, None)


def test_a_report_is_plain_json(bismo_cloud: CostModel, mobilenet_v2: ModelSpec) -> None:
    report = price(mobilenet_v2, bismo_cloud, uniform_policy(mobilenet_v2, 4, 4))

    assert json.loads(json.dumps(report, allow_nan=False)) == report


@pytest.mark.parametrize("target_id", TARGETS)
def test_every_target_prices_a_network_layer_by_layer(
    target_id: str, mobilenet_v2: ModelSpec
) -> None:
    model = cost_model(target_entry(target_id))

    report = price(mobilenet_v2, model, uniform_policy(mobilenet_v2, 4, 8))

    assert json.loads(json.dumps(report, allow_nan=False)) == report
    assert set(report["total"]) == set(model.target.metrics)
    assert len(report["layers"]) == 53
    assert all(set(model.target.metrics) <= set(layer) for layer in report["layers"])


def test_float_layers_have_the_device_s_latency_and_say_how_it_is_known(
    mobilenet_v2: ModelSpec,
) -> None:
    report = price(mobilenet_v2, cost_model(target_entry("pixel1")), None)

    stem, fitted = report["layers"][0], report["layers"][9]
    assert stem["latency_ms"] == pytest.approx(0.877 * 4.084, rel=1e-3)
    assert (stem["provenance"], fitted["provenance"]) == ("table", "fit")
    assert stem["weight_bits"] is stem["activation_bits"] is None


@pytest.mark.parametrize(
    "target_id", [each.id for each in TARGETS.values() if each.float_bits is None]
)
def test_float_is_refused_or_counted_where_a_device_has_none(
    target_id: str, mobilenet_v2: ModelSpec
) -> None:
    model = cost_model(target_entry(target_id))
    prices_time = "latency_ms" in model.target.metrics

    with pytest.raises(InvalidConfig, match="prices bits only") if prices_time else nullcontext():
        price(mobilenet_v2, model, None)
