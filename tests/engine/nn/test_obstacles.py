"""A network that cannot be quantised is told all that stands in the way; what stays float is said.

The networks here are such as a user brings: an autoencoder, a recurrent head, weights of one's own.
"""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.nn.describe import describe
from engine.nn.obstacles import float_note, float_parts
from engine.nn.quantized import quantize_layers
from engine.schema.errors import UnsupportedModel
from engine.schema.layers import InputSpec, ModelSpec

INPUT = InputSpec(channels=2, size=8)


def describe_toy(model: nn.Module) -> ModelSpec:
    return describe(model, model_id="toy", input=INPUT, classes=3)


class Autoencoding(nn.Module):
    """Two transposed convolutions, a recurrent layer, a shared convolution and one left over."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Conv2d(2, 4, 3, stride=2, padding=1)
        self.up = nn.Sequential(nn.ConvTranspose2d(4, 4, 2, stride=2), nn.ReLU())
        self.more = nn.ConvTranspose2d(4, 4, 2, stride=2)
        self.again = nn.Conv2d(4, 4, 1)
        self.reader = nn.LSTM(4, 4, batch_first=True)
        self.attention = nn.MultiheadAttention(4, 2, batch_first=True)
        self.head = nn.Linear(4, 3)
        self.spare = nn.Linear(4, 3)

    def forward(self, images_NCHW: Tensor) -> Tensor:
        x = self.more(self.up(self.down(images_NCHW)))
        x = self.again(self.again(x))
        read, _ = self.reader(x.flatten(2).transpose(1, 2))
        read, _ = self.attention(read, read, read)
        logits: Tensor = self.head(read.mean(dim=1))
        return logits


class OwnWeights(nn.Module):
    """A convolution and a projection written out by hand, and a factor by channel."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(2, 4, 3, padding=1)
        self.kernel = nn.Parameter(torch.randn(4, 4, 3, 3))
        self.inner = Projection()
        self.head = nn.Linear(4, 3)

    def forward(self, images_NCHW: Tensor) -> Tensor:
        x = functional.conv2d(self.stem(images_NCHW), self.kernel)
        logits: Tensor = self.head(self.inner(x.mean(dim=(2, 3))))
        return logits


class Projection(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.matrix = nn.Parameter(torch.randn(4, 4))

    def forward(self, x_NC: Tensor) -> Tensor:
        return x_NC @ self.matrix.t()


class Scaled(nn.Module):
    """Runs as it is: what is not quantised is a factor, a slope and a normalisation."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(2, 4, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(4)
        self.act = nn.PReLU(4)
        self.middle = nn.Conv2d(4, 4, 1)
        self.factor = nn.Parameter(torch.full((1, 4, 1, 1), 0.5))
        self.head = nn.Linear(4, 3)
        self.layer_norm = nn.LayerNorm(4)

    def forward(self, images_NCHW: Tensor) -> Tensor:
        x = self.act(self.norm(self.stem(images_NCHW)))
        x = x + self.factor * self.middle(x)
        logits: Tensor = self.head(self.layer_norm(x.mean(dim=(2, 3))))
        return logits


def test_every_layer_in_the_way_is_named_with_its_kind_and_the_remedy() -> None:
    with pytest.raises(UnsupportedModel) as refused:
        describe_toy(Autoencoding())

    assert str(refused.value) == (
        "model: 6 layers stand in the way. "
        "Layers 'up.0', 'more': each is a ConvTranspose2d; only nn.Conv2d and nn.Linear can be "
        "quantised: upsample, then convolve with an nn.Conv2d. "
        "Layer 'reader' is a LSTM; only nn.Conv2d and nn.Linear can be quantised: take a network "
        "of convolutions. "
        "Layer 'attention' is a MultiheadAttention; only nn.Conv2d and nn.Linear can be "
        "quantised: take a network of convolutions. "
        "Layer 'again' is called twice in a forward pass; give each call its own. "
        "Layer 'spare' takes no part in a forward pass; remove it."
    )
    assert [layer for layer, _ in refused.value.obstacles] == [
        *("up.0", "more", "reader", "attention", "again", "spare")
    ]


def test_products_with_parameters_of_no_layer_are_found() -> None:
    with pytest.raises(UnsupportedModel) as refused:
        describe_toy(OwnWeights())

    assert "The network multiplies by 'kernel', a parameter of its own" in str(refused.value)
    assert "Layer 'inner' multiplies by 'matrix'" in str(refused.value)
    assert "hold it in an nn.Conv2d or nn.Linear" in str(refused.value)
    assert len(refused.value.obstacles) == 2


def test_a_forward_that_breaks_is_told_after_what_was_found_before() -> None:
    broken = nn.Sequential(nn.ConvTranspose2d(2, 4, 3), nn.Conv2d(4, 4, 1), nn.Linear(7, 3))

    with pytest.raises(UnsupportedModel) as refused:
        describe_toy(broken)

    assert [layer for layer, _ in refused.value.obstacles] == ["0", "2"]
    assert "Layer '2' is the last one reached on a 2 x 8 x 8 image" in str(refused.value)


def test_what_stays_float_runs_and_is_said() -> None:
    network = Scaled().eval()
    images = torch.randn(2, 2, 8, 8)
    with torch.no_grad():
        wanted = network(images)

    spec = describe_toy(network)
    parts = float_parts(network)
    quantize_layers(network, spec.layers)

    with torch.no_grad():
        assert torch.equal(network(images), wanted)
    assert [layer.name for layer in spec.layers] == ["stem", "middle", "head"]
    assert [(part.name, part.kind, part.parameters) for part in parts] == [
        ("", "Scaled", 4),
        ("act", "PReLU", 4),
        ("layer_norm", "LayerNorm", 8),
    ]
    assert float_note(parts) == (
        "These stay float, 16 parameters at 32 bits each: Scaled (the network itself); "
        "PReLU (act); LayerNorm (layer_norm)."
    )


def test_a_network_of_plain_layers_has_nothing_to_tell() -> None:
    network = nn.Sequential(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(144, 3))

    assert float_note(float_parts(network)) == ""


def test_many_layers_that_stay_float_are_counted() -> None:
    slopes = nn.Sequential(*(nn.PReLU() for _ in range(11)))

    assert "PReLU (0, 1, 2, 3, 4, 5, 6, 7 and 3 more)" in float_note(float_parts(slopes))
