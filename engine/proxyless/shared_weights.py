"""Inverted bottlenecks that take their weights from one: kernels from its centre, channels from
its front; batch norm is each one's own (after Cai et al. 2020, Once-for-All)."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.nn.conv_norm import batch_norm
from engine.nn.depthwise import depthwise_conv2d
from engine.nn.initialise import draw_convolution
from engine.nn.pointwise import pointwise_conv2d
from engine.schema.architecture import BlockSpec, OpSpec


class SharedWeights(nn.Module):
    """The weights of the largest kernel and expansion among a block's operations."""

    def __init__(self, block: BlockSpec, ops: Iterable[OpSpec]) -> None:
        super().__init__()
        bottlenecks = [op for op in ops if op.kind == "mbconv"]
        self.kernel_size = max(op.kernel_size for op in bottlenecks)
        expansion = max(op.expansion for op in bottlenecks)
        middle = block.in_channels * expansion
        self.expand = (
            nn.Parameter(torch.empty(middle, block.in_channels, 1, 1)) if expansion > 1 else None
        )
        self.depthwise = nn.Parameter(torch.empty(middle, 1, self.kernel_size, self.kernel_size))
        self.project = nn.Parameter(torch.empty(block.out_channels, middle, 1, 1))

    def initialise(self, generator: torch.Generator) -> None:
        """Draw first weights, as for plain convolutions of this size."""
        for weight_OIKK in self.parameters():
            draw_convolution(weight_OIKK, generator)

    def kernel(self, channels: int, kernel_size: int) -> Tensor:
        """Return the depthwise weight of the first channels, cut to its centre."""
        margin = (self.kernel_size - kernel_size) // 2
        inside = slice(margin, margin + kernel_size)
        return self.depthwise[:channels, :, inside, inside]


class SharedMBConv(nn.Module):
    """One inverted bottleneck of a block, by kernel and expansion."""

    def __init__(self, weights: SharedWeights, block: BlockSpec, op: OpSpec) -> None:
        super().__init__()
        self._weights = (weights,)  # in a tuple: they are the block's, not this module's
        self.kernel_size = op.kernel_size
        self.stride = block.stride
        self.middle = block.in_channels * op.expansion
        self.expand_norm = batch_norm(self.middle) if op.expansion > 1 else None
        self.depthwise_norm = batch_norm(self.middle)
        self.project_norm = batch_norm(block.out_channels)

    @property
    def weights(self) -> SharedWeights:
        """The block's weights."""
        return self._weights[0]

    def forward(self, map_NCHW: Tensor) -> Tensor:
        """Return the block's map, without its shortcut."""
        weights = self.weights
        wide_NCHW = map_NCHW
        if self.expand_norm is not None:
            assert weights.expand is not None
            wide_NCHW = pointwise_conv2d(map_NCHW, weights.expand[: self.middle])
            wide_NCHW = functional.relu6(self.expand_norm(wide_NCHW), inplace=True)
        kernel = weights.kernel(self.middle, self.kernel_size)
        deep_NCHW = depthwise_conv2d(wide_NCHW, kernel, stride=self.stride)
        deep_NCHW = functional.relu6(self.depthwise_norm(deep_NCHW), inplace=True)
        result_NCHW: Tensor = self.project_norm(
            pointwise_conv2d(deep_NCHW, weights.project[:, : self.middle])
        )
        return result_NCHW

    def plain_state(self) -> dict[str, Tensor]:
        """Return its tensors under the names of a plain `MBConv`."""
        weights = self.weights
        state = {
            "depth_conv.conv.weight": weights.kernel(self.middle, self.kernel_size),
            "point_linear.conv.weight": weights.project[:, : self.middle],
        }
        norms = {"depth_conv": self.depthwise_norm, "point_linear": self.project_norm}
        if self.expand_norm is not None:
            assert weights.expand is not None
            state["inverted_bottleneck.conv.weight"] = weights.expand[: self.middle]
            norms["inverted_bottleneck"] = self.expand_norm
        for name, norm in norms.items():
            state |= {f"{name}.bn.{key}": value for key, value in norm.state_dict().items()}
        return {name: tensor.detach().clone() for name, tensor in state.items()}
