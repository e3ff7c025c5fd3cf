"""The inverted bottleneck (Sandler et al. 2018) as plain layers."""

from torch import Tensor, nn

from engine.nn.conv_norm import ConvNorm
from engine.schema.architecture import BlockSpec, OpSpec


class MBConv(nn.Module):
    """A 1x1 convolution that widens, a depthwise one, a 1x1 convolution without activation.

    At expansion 1 there is nothing to widen, and the first of the three is left out.
    """

    def __init__(
        self, in_channels: int, out_channels: int, *, kernel_size: int, expansion: int, stride: int
    ) -> None:
        super().__init__()
        middle = in_channels * expansion
        self.inverted_bottleneck = ConvNorm(in_channels, middle) if expansion > 1 else None
        self.depth_conv = ConvNorm(
            middle, middle, kernel_size=kernel_size, stride=stride, groups=middle
        )
        self.point_linear = ConvNorm(middle, out_channels, linear=True)

    def forward(self, map_NCHW: Tensor) -> Tensor:
        """Return the block's map, without its shortcut."""
        wide_NCHW = map_NCHW
        if self.inverted_bottleneck is not None:
            wide_NCHW = self.inverted_bottleneck(map_NCHW)
        result: Tensor = self.point_linear(self.depth_conv(wide_NCHW))
        return result


def mbconv_of(block: BlockSpec, op: OpSpec) -> MBConv:
    """Return the inverted bottleneck that a block has with one of its operations."""
    return MBConv(
        block.in_channels,
        block.out_channels,
        kernel_size=op.kernel_size,
        expansion=op.expansion,
        stride=block.stride,
    )
