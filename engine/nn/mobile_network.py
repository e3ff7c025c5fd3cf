"""A network of a mobile search space as plain layers, to be trained, exported and quantised.

Its parts have the names of the ProxylessNAS authors' checkpoints, as `engine.schema.lowering` has.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.nn.conv_norm import ConvNorm
from engine.nn.initialise import initialise
from engine.nn.mbconv import mbconv_of
from engine.nn.zero import Zero
from engine.schema.architecture import Architecture, BlockSpec, ConvSpec, OpSpec


class MobileBlock(nn.Module):
    """One operation, and the shortcut where the block has one."""

    def __init__(self, block: BlockSpec, op: OpSpec) -> None:
        super().__init__()
        self.mobile_inverted_conv = operation(block, op)
        self.has_shortcut = block.has_shortcut

    def forward(self, map_NCHW: Tensor) -> Tensor:
        """Return the next map."""
        if isinstance(self.mobile_inverted_conv, Zero) and self.has_shortcut:
            return map_NCHW
        result_NCHW: Tensor = self.mobile_inverted_conv(map_NCHW)
        return map_NCHW + result_NCHW if self.has_shortcut else result_NCHW


class MobileNetwork(nn.Module):
    """First convolution, blocks, feature mix, pooling, classifier."""

    def __init__(self, architecture: Architecture, *, dropout: float = 0.0) -> None:
        super().__init__()
        space = architecture.space
        self.first_conv = conv_norm(space.first_conv)
        self.blocks = nn.ModuleList(
            MobileBlock(block, op) for block, op in zip(space.blocks, architecture.ops, strict=True)
        )
        self.feature_mix_layer = None if space.feature_mix is None else conv_norm(space.feature_mix)
        self.classifier = Classifier(space.features, space.classes, dropout=dropout)

    def forward(self, images_NCHW: Tensor) -> Tensor:
        """Return logits_NK."""
        map_NCHW = self.first_conv(images_NCHW)
        for block in self.blocks:
            map_NCHW = block(map_NCHW)
        if self.feature_mix_layer is not None:
            map_NCHW = self.feature_mix_layer(map_NCHW)
        logits_NK: Tensor = self.classifier(pooled(map_NCHW))
        return logits_NK


class Classifier(nn.Module):
    """Dropout and a linear layer."""

    def __init__(self, features: int, classes: int, *, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(features, classes)

    def forward(self, features_NC: Tensor) -> Tensor:
        """Return logits_NK."""
        logits_NK: Tensor = self.linear(self.dropout(features_NC))
        return logits_NK


def mobile_network(
    architecture: Architecture, *, generator: torch.Generator, dropout: float = 0.0
) -> MobileNetwork:
    """Return a network with first weights from the generator; the ambient one is not touched."""
    with torch.device("meta"):
        network = MobileNetwork(architecture, dropout=dropout)
    network.to_empty(device="cpu")
    initialise(network, generator)
    return network


def operation(block: BlockSpec, op: OpSpec) -> nn.Module:
    """Return one operation of a block as plain layers."""
    if op.kind == "mbconv":
        return mbconv_of(block, op)
    return Zero(stride=block.stride) if op.kind == "zero" else nn.Identity()


def conv_norm(conv: ConvSpec) -> ConvNorm:
    """Return a convolution of a space's frame."""
    return ConvNorm(
        conv.in_channels, conv.out_channels, kernel_size=conv.kernel_size, stride=conv.stride
    )


def pooled(map_NCHW: Tensor) -> Tensor:
    """Return the mean of each map; shape (N, C)."""
    return functional.adaptive_avg_pool2d(map_NCHW, 1).flatten(1)
