"""First weights, from a generator of one's own: Cai et al. 2019, `he_fout` of the released code."""

from math import sqrt

import torch
from torch import Tensor, nn


def initialise(model: nn.Module, generator: torch.Generator) -> None:
    """Fill all layers of a network in place; batch norm starts as the identity.

    Convolutions are drawn from N(0, 2 / (k k out)), where groups do not count; linear weights
    from U(-1 / sqrt(in), 1 / sqrt(in)), their biases are zero.
    """
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            draw_convolution(module.weight, generator)
        elif isinstance(module, nn.Linear):
            bound = 1 / sqrt(module.in_features)
            nn.init.uniform_(module.weight, -bound, bound, generator=generator)
            nn.init.zeros_(module.bias)
        elif isinstance(module, nn.BatchNorm2d):
            module.reset_parameters()


def draw_convolution(weight_OIKK: Tensor, generator: torch.Generator) -> None:
    """Fill the weight of one convolution in place."""
    out_channels, _, height, width = weight_OIKK.shape
    nn.init.normal_(
        weight_OIKK, 0.0, sqrt(2 / (height * width * out_channels)), generator=generator
    )
