"""Small networks with quantised layers: a chain, one with a residual, one that has no graph."""

import torch
from torch import Tensor, nn

from engine.nn.describe import describe
from engine.nn.quantized import QuantizedLayer, quantize_layers
from engine.schema.layers import InputSpec, ModelSpec

INPUT = InputSpec(channels=1, size=8)
CLASSES = 2


class ResidualNetwork(nn.Module):
    """A stem, a block with a shortcut around two convolutions, and a classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(1, 6, 3, padding=1, bias=False), nn.BatchNorm2d(6), nn.ReLU()
        )
        self.first = nn.Conv2d(6, 6, 3, padding=1, groups=6, bias=False)
        self.first_norm = nn.BatchNorm2d(6)
        self.second = nn.Conv2d(6, 6, 1)
        self.second_norm = nn.BatchNorm2d(6, affine=False)
        self.classifier = nn.Linear(6, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        inner = self.first_norm(self.first(x)).relu()
        x = (x + self.second_norm(self.second(inner))).relu()
        logits: Tensor = self.classifier(x.mean(dim=(2, 3)))
        return logits


class BranchingNetwork(ResidualNetwork):
    """Computes the same, but asks its data for the way: no single graph."""

    def forward(self, x: Tensor) -> Tensor:
        if float(x.sum()) != float(x.sum()):
            return x
        return super().forward(x)


def with_statistics(network: nn.Module, *, seed: int = 0) -> nn.Module:
    """Give batch norms statistics and factors as training leaves them: none is one or zero."""
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            assert module.running_mean is not None
            assert module.running_var is not None
            module.running_mean.normal_(0, 0.3, generator=generator)
            module.running_var.uniform_(0.3, 2.0, generator=generator)
            if module.affine:
                nn.init.uniform_(module.weight, 0.4, 1.6, generator=generator)
                nn.init.normal_(module.bias, 0, 0.2, generator=generator)
    return network


def described(network: nn.Module) -> ModelSpec:
    """Return a network's layers as the engine sees them."""
    return describe(network, model_id="toy", input=INPUT, classes=CLASSES)


def quantisable(network: nn.Module) -> tuple[ModelSpec, dict[str, QuantizedLayer]]:
    """Make a network's layers ready for bits, in eval mode."""
    spec = described(network)
    layers = quantize_layers(network, spec.layers)
    network.eval()
    return spec, layers


def residual_network(*, seed: int = 0) -> nn.Module:
    """Return one with statistics, always the same."""
    torch.manual_seed(seed)
    return with_statistics(ResidualNetwork(), seed=seed)


def branching_network(*, seed: int = 0) -> nn.Module:
    """Return the same network behind a branch on its data."""
    network = BranchingNetwork()
    network.load_state_dict(residual_network(seed=seed).state_dict())
    return network


def quantise_all(layers: dict[str, QuantizedLayer], *, bits: int) -> None:
    """Give every layer one width, with clips that fit neither exactly."""
    for layer in layers.values():
        clip = layer.inner.weight.detach().flatten(1).abs().amax(dim=1) * 0.8
        layer.set_weight_bits(bits, clip)
        layer.set_activation_bits(bits, torch.tensor(1.5))


def images(count: int = 8, *, seed: int = 3) -> Tensor:
    """Return noise of the networks' input size."""
    return torch.randn(count, 1, 8, 8, generator=torch.Generator().manual_seed(seed))
