"""Policies for the edge and for the cloud differ as the paper says, on the real cost tables.

At the latency of uniform 4 bit, 224 px: once with all layers losing alike, so that the devices
alone decide, once with the losses measured on the small networks of the same layers.
"""

from xml.etree import ElementTree

import pytest

from benchmarks.edge_and_cloud import (
    MEASURED_ON,
    found,
    last_third,
    losses_alike,
    mean_bits,
    measured_losses,
    network,
)
from benchmarks.edge_and_cloud_figure import Panel, figure
from engine.catalog.models import layer_table
from engine.cost.model import FloatArray
from engine.schema.layers import LayerSpec, ModelSpec
from engine.schema.policy import Policy


def losses_of(spec: ModelSpec, *, measured: bool) -> FloatArray:
    return measured_losses(spec.model) if measured else losses_alike(spec)


def depthwise_behind(policy: Policy, layers: tuple[LayerSpec, ...]) -> float:
    """Return how many activation bits pointwise layers have more than depthwise ones."""
    return mean_bits(policy, layers, "pointwise") - mean_bits(policy, layers, "depthwise")


@pytest.mark.parametrize("measured", [False, True], ids=["alike", "measured"])
@pytest.mark.parametrize("model", list(MEASURED_ON))
def test_on_the_edge_depthwise_activations_get_far_fewer_bits(model: str, measured: bool) -> None:
    spec = network(model)
    inner, losses = spec.layers[1:-1], losses_of(spec, measured=measured)

    edge, cloud = (found(spec, target, losses) for target in ("bismo-edge", "bismo-cloud"))

    assert depthwise_behind(edge, inner) > 1.5
    assert depthwise_behind(edge, inner) > depthwise_behind(cloud, inner) + 1


@pytest.mark.parametrize("measured", [False, True], ids=["alike", "measured"])
@pytest.mark.parametrize("model", list(MEASURED_ON))
def test_the_cloud_leaves_the_last_depthwise_layers_less_behind(model: str, measured: bool) -> None:
    spec = network(model)
    losses = losses_of(spec, measured=measured)

    edge, cloud = (found(spec, target, losses) for target in ("bismo-edge", "bismo-cloud"))

    behind = [depthwise_behind(policy, last_third(spec)) for policy in (edge, cloud)]
    assert behind[0] > behind[1] + 2


def test_in_the_cloud_the_last_depthwise_layers_get_more_bits_than_pointwise_ones() -> None:
    spec = network("mobilenet_v1")
    first, last = spec.layers[1:10], spec.layers[-6:-1]
    losses = losses_alike(spec)

    edge, cloud = (found(spec, target, losses) for target in ("bismo-edge", "bismo-cloud"))

    assert depthwise_behind(cloud, last) < 0
    assert depthwise_behind(edge, last) > 0
    assert depthwise_behind(cloud, first) > 0


@pytest.mark.parametrize(("large", "small"), list(MEASURED_ON.items()))
def test_the_small_network_has_the_layers_of_the_large_one(large: str, small: str) -> None:
    one, other = layer_table(small), network(large)
    assert one is not None

    assert [layer.name for layer in one.layers] == [layer.name for layer in other.layers]
    assert [layer.kind for layer in one.layers] == [layer.kind for layer in other.layers]
    losses = measured_losses(large)
    assert losses.shape == (len(other.layers), 8, 8)
    assert (losses[1:-1, 1, 1] > 0).all()


def test_the_figure_says_in_words_what_its_bars_show() -> None:
    panel = Panel(title="a network", bits=(4, 8, 2), depthwise=(True, False, True))

    drawn = ElementTree.fromstring(figure([panel]))

    title = drawn.find("{*}title")
    assert title is not None
    assert title.text == "Mean activation bits. a network: depthwise 3.0, pointwise 8.0."
    bars = [rect.get("class") for rect in drawn.findall(".//{*}g/{*}rect")]
    assert bars == ["depthwise", "pointwise", "depthwise"]
