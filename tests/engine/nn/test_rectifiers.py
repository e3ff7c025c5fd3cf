"""Rectifiers that quantised layers take over: the same values and gradients, fewer passes."""

import pytest
import torch
from torch import Tensor, nn

from engine.nn.quantized import quantize_activation, quantize_layers
from engine.nn.rectifiers import absorb_rectifiers
from engine.schema.layers import LayerSpec
from engine.schema.policy import LayerBits
from tests.engine.quantized_networks import branching_network, quantisable

BITS = LayerBits(weight_bits=4, activation_bits=3)


def spec_of(name: str, *, signed: bool) -> LayerSpec:
    return LayerSpec(
        name=name,
        kind="conv",
        in_channels=4,
        out_channels=4,
        input_signed=signed,
        weights=1,
        macs=1,
    )


def chain(rectifier: nn.Module, *, clip: float = 1.0) -> nn.Module:
    """Two convolutions at few bits with a rectifier between them, always the same."""
    torch.manual_seed(0)
    first, second = (nn.Conv2d(4, 4, 3, padding=1) for _ in range(2))
    model = nn.Sequential(first, rectifier, second)
    nn.init.normal_(first.weight, std=2.0)
    layers = quantize_layers(model, [spec_of("0", signed=True), spec_of("2", signed=False)])
    for layer in layers.values():
        weight_clip = layer.inner.weight.detach().flatten(1).abs().amax(dim=1)
        layer.set_bits(BITS, weight_clip=weight_clip, activation_clip=torch.tensor(clip))
    return model


def image(*, grad: bool = False) -> Tensor:
    torch.manual_seed(1)
    return (2 * torch.randn(2, 4, 6, 6)).requires_grad_(grad)


@pytest.mark.parametrize("rectifier", [nn.ReLU, nn.ReLU6])
@pytest.mark.parametrize("clip", [1.0, 9.0])  # below and above where a ReLU6 ends
@pytest.mark.parametrize("training", [True, False])
def test_the_network_computes_the_same(
    rectifier: type[nn.Module], clip: float, training: bool
) -> None:
    plain, absorbed = chain(rectifier(), clip=clip), chain(rectifier(), clip=clip)

    assert absorb_rectifiers(absorbed) == 1

    assert isinstance(absorbed.get_submodule("1"), nn.Identity)
    found, wanted = (model.train(training)(image()) for model in (absorbed, plain))
    assert torch.allclose(found, wanted, atol=1e-6)


@pytest.mark.parametrize("rectifier", [nn.ReLU, nn.ReLU6])
@pytest.mark.parametrize("clip", [1.0, 9.0])
def test_the_gradients_are_the_same(rectifier: type[nn.Module], clip: float) -> None:
    plain, absorbed = chain(rectifier(), clip=clip), chain(rectifier(), clip=clip)
    absorb_rectifiers(absorbed)
    gradients = []
    for model in (plain, absorbed):
        x = image(grad=True)
        model.train()(x).square().sum().backward()
        gradients.append([x.grad, *(parameter.grad for parameter in model.parameters())])

    for wanted, found in zip(*gradients, strict=True):
        assert wanted is not None
        assert found is not None
        assert torch.allclose(found, wanted, rtol=1e-4, atol=1e-4)


def test_a_layer_in_float_rectifies_too() -> None:
    model = chain(nn.ReLU6())
    layers = [model.get_submodule(name) for name in ("0", "2")]
    for layer in layers:
        layer.set_float()  # type: ignore[operator]
    wanted = model.train()(image())
    absorb_rectifiers(model)

    assert torch.allclose(model(image()), wanted, atol=1e-6)
    assert torch.allclose(model.eval()(image()), wanted, atol=1e-5)


def test_the_parameters_keep_their_names() -> None:
    model = chain(nn.ReLU())
    names = set(model.state_dict())

    absorb_rectifiers(model)

    assert set(model.state_dict()) == names


def test_a_rectifier_that_something_else_reads_stays() -> None:
    class Residual(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.relu = nn.ReLU()
            self.conv = nn.Conv2d(4, 4, 1)

        def forward(self, x: Tensor) -> Tensor:
            x = self.relu(x)
            summed: Tensor = x + self.conv(x)
            return summed

    model = Residual()
    quantize_layers(model, [spec_of("conv", signed=False)])

    assert absorb_rectifiers(model) == 0
    assert isinstance(model.relu, nn.ReLU)


def test_a_network_without_a_graph_stays_as_it_is() -> None:
    network = branching_network()
    quantisable(network)

    assert absorb_rectifiers(network) == 0


def test_a_clip_that_does_not_learn_gets_no_gradient() -> None:
    x = torch.rand(50, requires_grad=True)
    clip = torch.tensor(0.5)

    quantize_activation(x, clip, levels=3, signed=False).sum().backward()

    assert x.grad is not None
    assert torch.equal(x.grad, (x < 0.5).float())
