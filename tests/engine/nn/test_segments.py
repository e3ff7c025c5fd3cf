"""Networks cut where a single tensor carries all that follows."""

import pytest
import torch
from torch import Tensor, nn

from engine.nn.build import build_model
from engine.nn.describe import describe
from engine.nn.quantized import QuantizedLayer, quantize_layers
from engine.nn.segments import cut, first_segments, run
from engine.schema.layers import InputSpec
from tests.engine.quantized_networks import (
    branching_network,
    images,
    quantisable,
    residual_network,
)

UNLIMITED = 10**9


def test_the_segments_in_a_row_are_the_network() -> None:
    network = residual_network()
    quantisable(network)

    segments = cut(network, images(2), largest=UNLIMITED)

    with torch.no_grad():
        assert torch.equal(run(segments, images()), network(images()))


def test_a_shortcut_is_not_cut_through() -> None:
    network = residual_network()
    quantisable(network)

    segments = cut(network, images(2), largest=UNLIMITED)

    assert [segment.layers for segment in segments] == [
        ("stem.0",),
        ("first", "second"),
        ("classifier",),
    ]
    assert first_segments(segments) == {"stem.0": 0, "first": 1, "second": 1, "classifier": 2}


def test_large_maps_are_no_place_to_cut() -> None:
    network = residual_network()
    quantisable(network)

    segments = cut(network, images(2), largest=6 * 8 * 8 - 1)

    # Only the six pooled numbers are few enough.
    assert [segment.layers for segment in segments] == [
        ("stem.0", "first", "second"),
        ("classifier",),
    ]


def test_segments_share_the_layers_of_the_network() -> None:
    network = residual_network()
    _, layers = quantisable(network)
    segments = cut(network, images(2), largest=UNLIMITED)
    with torch.no_grad():
        before = run(segments, images())

        layers["second"].set_weight_bits(2, torch.full((6,), 0.1))

        assert not torch.equal(run(segments, images()), before)
        assert torch.equal(run(segments, images()), network(images()))


def test_a_network_without_a_single_graph_is_one_segment() -> None:
    network = branching_network()
    _, layers = quantisable(network)

    (whole,) = cut(network, images(2), largest=UNLIMITED)

    assert whole.module is network
    assert whole.layers == tuple(layers)


def test_a_graph_that_computes_something_else_is_not_used() -> None:
    class Counting(nn.Module):
        """Its graph holds the number of calls that it was traced with."""

        def __init__(self) -> None:
            super().__init__()
            self.calls = 0
            self.first = QuantizedLayer(nn.Conv2d(1, 1, 1), input_signed=True)
            self.second = QuantizedLayer(nn.Conv2d(1, 1, 1), input_signed=True)

        def forward(self, x: Tensor) -> Tensor:
            self.calls += 1
            scaled: Tensor = self.second(self.first(x) * self.calls)
            return scaled

    network = Counting().eval()

    (whole,) = cut(network, images(2), largest=UNLIMITED)

    assert whole.module is network


def test_parameters_outside_of_modules_come_along() -> None:
    class Shifted(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.shift = nn.Parameter(torch.tensor(2.0))
            self.first = QuantizedLayer(nn.Conv2d(1, 1, 1), input_signed=True)
            self.second = QuantizedLayer(nn.Conv2d(1, 1, 1), input_signed=True)

        def forward(self, x: Tensor) -> Tensor:
            shifted: Tensor = self.second(self.first(x) + self.shift) + self.shift
            return shifted

    network = Shifted().eval()

    segments = cut(network, images(2), largest=UNLIMITED)

    assert len(segments) == 2
    with torch.no_grad():
        assert torch.equal(run(segments, images()), network(images()))


@pytest.mark.parametrize(
    ("model_id", "fewest"),
    [("mobilenet_v1_small", 20), ("mobilenet_v2_small", 30), ("resnet20", 9)],
)
def test_the_catalogue_s_small_networks_are_cut_into_many(model_id: str, fewest: int) -> None:
    input = InputSpec(channels=1, size=28)
    network = build_model(model_id, input=input, classes=10)
    quantize_layers(network, describe(network, model_id=model_id, input=input, classes=10).layers)
    network.eval()

    segments = cut(network, torch.randn(2, 1, 28, 28), largest=UNLIMITED)

    assert len(segments) >= fewest
    assert all(segment.layers for segment in segments)
