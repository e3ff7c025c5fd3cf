"""What fewer bits save where, against the shares that HAQ's published latencies imply."""

from dataclasses import replace

import pytest

from engine.catalog.targets import TARGETS, target_entry
from engine.cost.elasticity import Saving, savings
from engine.cost.pricing import cost_model
from engine.schema.layers import ModelSpec
from tests.unit.engine import paper_networks


def by_kind(target_id: str, spec: ModelSpec) -> dict[tuple[str, str], Saving]:
    """Without the ends, as HAQ sums networks up."""
    inner = replace(spec, layers=spec.layers[1:-1])
    rows = savings(inner, cost_model(target_entry(target_id)), "latency_ms")
    return {(row.kind, row.operand): row for row in rows}


@pytest.mark.parametrize(
    ("target_id", "remaining"),
    [("bismo-edge", (1.00, 0.62, 0.88, 0.91)), ("bismo-cloud", (0.99, 0.75, 0.79, 0.75))],
)
def test_halving_bits_leaves_the_shares_of_latency_that_were_worked_out(
    mobilenet_v2: ModelSpec, target_id: str, remaining: tuple[float, ...]
) -> None:
    found = by_kind(target_id, mobilenet_v2)

    halves = [
        1 - found[kind, operand].half
        for kind in ("depthwise", "pointwise")
        for operand in ("weights", "activations")
    ]
    assert halves == pytest.approx(remaining, abs=0.005)


@pytest.mark.parametrize("network", ["mobilenet_v1", "mobilenet_v2"])
def test_on_the_edge_device_depthwise_activations_are_worth_most(network: str) -> None:
    found = by_kind("bismo-edge", getattr(paper_networks, network)())

    depthwise, pointwise = found["depthwise", "activations"], found["pointwise", "activations"]
    assert depthwise.half > pointwise.half
    assert depthwise.one_bit > pointwise.one_bit


@pytest.mark.parametrize("network", ["mobilenet_v1", "mobilenet_v2"])
def test_on_the_cloud_device_both_kinds_of_activations_are_worth_alike(network: str) -> None:
    found = by_kind("bismo-cloud", getattr(paper_networks, network)())

    depthwise, pointwise = found["depthwise", "activations"], found["pointwise", "activations"]
    assert depthwise.half == pytest.approx(pointwise.half, abs=0.05)


def test_shares_of_the_kinds_add_up_to_the_network(mobilenet_v2: ModelSpec) -> None:
    rows = savings(mobilenet_v2, cost_model(target_entry("bismo-edge")), "latency_ms")

    weights = [row for row in rows if row.operand == "weights"]
    assert [row.kind for row in weights] == ["conv", "depthwise", "pointwise", "linear"]
    assert sum(row.layers for row in weights) == 53
    assert sum(row.share for row in weights) == pytest.approx(1)


@pytest.mark.parametrize("target_id", TARGETS)
def test_every_metric_of_every_target_has_its_savings(
    target_id: str, mobilenet_v2: ModelSpec
) -> None:
    model = cost_model(target_entry(target_id))

    for metric in model.target.metrics:
        rows = savings(mobilenet_v2, model, metric)
        assert all(-1 < row.half < 1 and 0 < row.share <= 1 for row in rows)
