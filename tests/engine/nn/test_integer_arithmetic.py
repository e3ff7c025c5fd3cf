"""Fake quantisation computes what a device with integers would.

Both in doubles: in single precision a sum that ends between two steps falls to either side.
"""

import pytest
import torch
from torch import Tensor, nn

from engine.catalog.baselines import uniform_policy
from engine.haq.grid import set_policy
from engine.haq.thresholds import compute_thresholds
from engine.nn.build import build_model
from engine.nn.describe import describe
from engine.nn.quantized import QuantizedLayer, activation_levels, quantize_layers
from engine.schema.layers import InputSpec
from engine.schema.policy import LayerBits, Policy
from tests.engine.quantized_networks import with_statistics

INPUT = InputSpec(channels=1, size=28)


class IntegerLayer(nn.Module):
    """The reference: integer operands, exact sums in 64 bits, one scale a channel at the end."""

    def __init__(self, layer: QuantizedLayer) -> None:
        super().__init__()
        assert layer.bits is not None
        self.inner = layer.inner
        self.weight = layer.integer_weights().long()
        self.levels = activation_levels(layer.bits.activation_bits, signed=layer.input_signed)
        self.lowest = -self.levels if layer.input_signed else 0
        self.input_scale = float(layer.activation_clip) / self.levels
        self.scale_C = layer.weight_scale.flatten().double() * self.input_scale

    def forward(self, x: Tensor) -> Tensor:
        steps = torch.round(x.double() / self.input_scale).clamp(self.lowest, self.levels).long()
        if isinstance(self.inner, nn.Linear):
            sums = (steps.unsqueeze(1) * self.weight).sum(dim=2)
            y = sums.double() * self.scale_C
        else:
            y = self._convolved(steps).double() * self.scale_C.view(-1, 1, 1)
        if self.inner.bias is not None:
            bias = self.inner.bias.double()
            y = y + (bias if y.dim() == 2 else bias.view(-1, 1, 1))
        return y

    def _convolved(self, steps: Tensor) -> Tensor:
        # The CPU has no integer convolution. Doubles hold sums below 2^53 exactly.
        assert isinstance(self.inner, nn.Conv2d)
        inner = self.inner
        sums = nn.functional.conv2d(
            steps.double(),
            self.weight.double(),
            None,
            inner.stride,
            inner.padding,
            inner.dilation,
            inner.groups,
        )
        assert torch.equal(sums, sums.round())
        return sums.long()


@pytest.mark.parametrize("model", ["mobilenet_v2_small", "resnet20"])
@pytest.mark.parametrize("bits", ["mixed", 4, 8])
def test_the_logits_are_those_of_integer_arithmetic(model: str, bits: int | str) -> None:
    torch.manual_seed(0)
    network = with_statistics(build_model(model, input=INPUT, classes=10)).eval()
    spec = describe(network, model_id=model, input=INPUT, classes=10)
    layers = quantize_layers(network, spec.layers)
    images = torch.randn(4, 1, 28, 28)
    grids = compute_thresholds(network, layers, [images], clipping="mse", granularity="channel")
    policy = (
        uniform_policy(spec, bits, bits)
        if isinstance(bits, int)
        else Policy(
            layers={
                layer.name: LayerBits(weight_bits=2 + at % 7, activation_bits=8 - at % 7)
                for at, layer in enumerate(spec.layers)
            }
        )
    )
    set_policy(layers, policy, grids)
    network, images = network.double(), images.double()
    with torch.no_grad():
        faked = network(images)
        for name, layer in layers.items():
            parent, _, child = name.rpartition(".")
            setattr(network.get_submodule(parent), child, IntegerLayer(layer))
        exact = network(images)

    assert (faked - exact).abs().max() < 1e-3
