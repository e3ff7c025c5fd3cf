"""Explanations say what the numbers say."""

from dataclasses import replace

import pytest

from engine.catalog.targets import target_entry
from engine.cost.model import CostModel
from engine.cost.pricing import cost_model
from engine.schema.policy import LayerBits
from engine.schema.results import LayerSensitivity, QuantizeResult
from engine.solver.explanation import compare_targets, explain
from tests.configs import quantize_config
from tests.results import quantize_result


@pytest.fixture
def result() -> QuantizeResult:
    """A result whose fourth layer alone has 2-bit activations, and hardly loses by them."""
    plain = quantize_result(quantize_config())
    layers = plain.model.layers
    sensitivity = tuple(
        LayerSensitivity(
            layer=layer.name,
            weight_losses={"2": 0.4, "4": 0.1, "6": 0.01} if 0 < at < len(layers) - 1 else {},
            activation_losses={"2": 0.001 if at == 3 else 0.4, "4": 0.0005 if at == 3 else 0.1}
            if 0 < at < len(layers) - 1
            else {},
        )
        for at, layer in enumerate(layers)
    )
    found = plain.contender(plain.found)
    assert found.policy is not None
    narrow = {layers[3].name: LayerBits(weight_bits=5, activation_bits=2)}
    policy = replace(found.policy, layers={**found.policy.layers, **narrow})
    contenders = tuple(
        replace(row, policy=policy) if row.id == plain.found else row for row in plain.contenders
    )
    return replace(plain, sensitivity=sensitivity, contenders=contenders)


@pytest.fixture
def costs(result: QuantizeResult) -> CostModel:
    return cost_model(target_entry(result.target))


def test_the_most_unusual_width_comes_first_with_its_reason(
    result: QuantizeResult, costs: CostModel
) -> None:
    first, *rest = explain(result, costs)

    layer = result.model.layers[3]
    assert (first.layer, first.operand, first.bits) == (layer.name, "activations", 2)
    assert first.why == "it loses little at the mean"
    assert first.text.endswith(": it loses little at the mean.")
    assert f"{first.cost_share:.1%} of the cost at 8 bits" in first.text
    assert first.loss == pytest.approx(0.001, rel=0.1)
    assert len(rest) == 2 * (len(result.model.layers) - 2) - 1
    assert [abs(r.bits - r.mean_bits) for r in rest] == sorted(
        (abs(r.bits - r.mean_bits) for r in rest), reverse=True
    )


def test_what_is_saved_is_what_the_cost_model_says(
    result: QuantizeResult, costs: CostModel
) -> None:
    reason = explain(result, costs)[0]
    layer = result.model.layers[3]
    eight, two = (
        costs.layer_cost(layer, LayerBits(weight_bits=8, activation_bits=bits))["latency_ms"]
        for bits in (8, 2)
    )
    total = costs.cost_table(result.model.layers, "latency_ms")[:, 7, 7].sum()

    assert reason.saved == pytest.approx((eight - two) / total)
    assert reason.cost_share == pytest.approx(eight / total)


def test_two_targets_are_compared_by_kind_of_layer(result: QuantizeResult) -> None:
    edge, cloud = (cost_model(target_entry(f"bismo-{name}")) for name in ("edge", "cloud"))

    rows = compare_targets(result, edge, cloud, share=0.5)

    assert {(row.kind, row.operand) for row in rows} == {
        (kind, operand)
        for kind in ("depthwise", "pointwise")
        for operand in ("weights", "activations")
    }
    for row in rows:
        word = (
            "as many"
            if abs(row.first - row.second) < 0.1
            else ("fewer" if row.first < row.second else "more")
        )
        assert f"get {word} bits on {edge.target.title}" in row.text
