"""The supernet of a mobile space: its frame, and a mixed operation for each block with a choice."""

import torch
from torch import Tensor, nn

from engine.nn.depthwise import DepthwiseConv2d
from engine.nn.initialise import initialise
from engine.nn.mbconv import MBConv
from engine.nn.mobile_network import (
    Classifier,
    MobileBlock,
    MobileNetwork,
    conv_norm,
    mobile_network,
    operation,
    pooled,
)
from engine.nn.pointwise import PointwiseConv2d
from engine.proxyless.mixed_op import MixedOp
from engine.proxyless.shared_weights import SharedMBConv, SharedWeights
from engine.schema.architecture import Architecture, BlockSpec, OpSpec, SearchSpace


class MobileBody(nn.Module):
    """First convolution, blocks, feature mix, pooling, classifier."""

    def __init__(self, space: SearchSpace, *, shared: bool) -> None:
        super().__init__()
        self.space = space
        self.first_conv = conv_norm(space.first_conv)
        self.blocks = nn.ModuleList(_block(block, shared=shared) for block in space.blocks)
        self.feature_mix_layer = None if space.feature_mix is None else conv_norm(space.feature_mix)
        self.classifier = Classifier(space.features, space.classes, dropout=0.0)

    def forward(self, images_NCHW: Tensor) -> Tensor:
        """Return logits_NK of the active path."""
        map_NCHW = self.first_conv(images_NCHW)
        for block in self.blocks:
            map_NCHW = block(map_NCHW)
        if self.feature_mix_layer is not None:
            map_NCHW = self.feature_mix_layer(map_NCHW)
        logits_NK: Tensor = self.classifier(pooled(map_NCHW))
        return logits_NK

    def initialise(self, generator: torch.Generator) -> None:
        """Draw first weights."""
        initialise(self, generator)
        for module in self.modules():
            if isinstance(module, SharedWeights):
                module.initialise(generator)

    @property
    def places(self) -> tuple[int, ...]:
        """Return which of an architecture's choices each mixed operation makes."""
        decisions = enumerate(self.space.decisions)
        return tuple(place for place, block in decisions if not block.is_fixed)

    def plain(self, architecture: Architecture, generator: torch.Generator) -> MobileNetwork:
        """Return an architecture's network with new weights."""
        return mobile_network(architecture, generator=generator)

    def inherit(self, architecture: Architecture) -> MobileNetwork:
        """Return an architecture's network with the supernet's weights and statistics."""
        with torch.device("meta"):  # draws nothing from the ambient generator
            network = MobileNetwork(architecture)
        network.to_empty(device="cpu")
        state = {
            name: tensor
            for name, tensor in self.state_dict().items()
            if not name.startswith("blocks.")
        }
        for index, choice in enumerate(architecture.choices):
            prefix = f"blocks.{index}.mobile_inverted_conv."
            block_state = _state(self.blocks[index], choice)
            state |= {prefix + name: tensor for name, tensor in block_state.items()}
        network.load_state_dict(state)
        return network


def _block(block: BlockSpec, *, shared: bool) -> nn.Module:
    if block.is_fixed:
        return MobileBlock(block, block.ops[0])
    if not shared:
        candidates = [_private(block, op) for op in block.ops]
        return MixedOp(candidates, has_shortcut=block.has_shortcut)
    weights = SharedWeights(block, block.ops)
    candidates = [
        SharedMBConv(weights, block, op) if op.kind == "mbconv" else operation(block, op)
        for op in block.ops
    ]
    return MixedOp(candidates, has_shortcut=block.has_shortcut, shared=weights)


def _private(block: BlockSpec, op: OpSpec) -> nn.Module:
    candidate = operation(block, op)
    if isinstance(candidate, MBConv):
        middle = block.in_channels * op.expansion
        candidate.depth_conv.conv = DepthwiseConv2d(
            middle, kernel_size=op.kernel_size, stride=block.stride
        )
        candidate.point_linear.conv = PointwiseConv2d(middle, block.out_channels)
        if candidate.inverted_bottleneck is not None:
            candidate.inverted_bottleneck.conv = PointwiseConv2d(block.in_channels, middle)
    return candidate


def _state(block: nn.Module, choice: int) -> dict[str, Tensor]:
    if isinstance(block, MixedOp):
        candidate = block.candidates[choice]
        if isinstance(candidate, SharedMBConv):
            return candidate.plain_state()
        return dict(candidate.state_dict())
    return dict(block.get_submodule("mobile_inverted_conv").state_dict())
