"""Depthwise-separable edges that take their weights from one: kernels from its centre; batch norm
is each one's own (after Cai et al. 2020, Once-for-All)."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.nn.depthwise import depthwise_conv2d
from engine.nn.initialise import draw_convolution
from engine.nn.pointwise import pointwise_conv2d
from engine.schema.architecture import OpSpec


class SharedEdge(nn.Module):
    """The weights of the largest kernel among an edge's operations."""

    def __init__(self, planes: int, ops: Iterable[OpSpec]) -> None:
        super().__init__()
        self.kernel_size = max(op.kernel_size for op in ops if op.kind == "sepconv")
        self.depthwise = nn.Parameter(torch.empty(planes, 1, self.kernel_size, self.kernel_size))
        self.pointwise = nn.Parameter(torch.empty(planes, planes, 1, 1))

    def initialise(self, generator: torch.Generator) -> None:
        """Draw first weights, as for plain convolutions of this size."""
        for weight_OIKK in self.parameters():
            draw_convolution(weight_OIKK, generator)

    def kernel(self, kernel_size: int) -> Tensor:
        """Return the depthwise weight, cut to its centre."""
        margin = (self.kernel_size - kernel_size) // 2
        inside = slice(margin, margin + kernel_size)
        return self.depthwise[:, :, inside, inside]


class SharedSepConv(nn.Module):
    """One depthwise-separable convolution of an edge, by kernel and dilation."""

    def __init__(self, weights: SharedEdge, planes: int, op: OpSpec) -> None:
        super().__init__()
        self._weights = (weights,)  # in a tuple: they are the edge's, not this module's
        self.op = op
        self.bn = nn.BatchNorm2d(planes)

    @property
    def weights(self) -> SharedEdge:
        """The edge's weights."""
        return self._weights[0]

    def forward(self, map_NCHW: Tensor) -> Tensor:
        """Return the next map."""
        active_NCHW = functional.relu(self.bn(map_NCHW), inplace=True)
        kernel = self.weights.kernel(self.op.kernel_size)
        if self.op.dilation == 1:
            deep_NCHW = depthwise_conv2d(active_NCHW, kernel, stride=1)
        else:
            padding = self.op.kernel_size // 2 * self.op.dilation
            deep_NCHW = functional.conv2d(
                active_NCHW,
                kernel,
                padding=padding,
                dilation=self.op.dilation,
                groups=kernel.shape[0],
            )
        return pointwise_conv2d(deep_NCHW, self.weights.pointwise)

    def plain_state(self) -> dict[str, Tensor]:
        """Return its tensors under the names of a plain `SepConv`."""
        state = {
            "depth_conv.weight": self.weights.kernel(self.op.kernel_size),
            "point_conv.weight": self.weights.pointwise,
        }
        state |= {f"bn.{key}": value for key, value in self.bn.state_dict().items()}
        return {name: tensor.detach().clone() for name, tensor in state.items()}
