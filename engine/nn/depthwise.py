"""Depthwise convolution with the same results and less time on a CPU.

Two things are slow in the library. A kernel that is wider than the map it lies on multiplies
padding; here it is cut to the taps that ever meet the map. And the gradient of weights has no fast
form for more than three taps in a row; here it is put together from three gradients of three taps,
the outer two against an output gradient that is moved by two pixels. The products and their sums
are the same.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

_TAPS = 3  # in a row, for which the library has a fast weight gradient
_WIDEST = 7  # what three of them make up
_MOVE = 2  # pixels of the input between one and the next


def depthwise_conv2d(map_NCHW: Tensor, weight_C1KK: Tensor, *, stride: int) -> Tensor:
    """Return the convolution of each channel with its own odd kernel, padded by half of it."""
    cut_C1KK = _cut(weight_C1KK, map_NCHW)
    if _gains(map_NCHW, cut_C1KK):
        output_NCHW: Tensor = _Depthwise.apply(map_NCHW, cut_C1KK, stride)
        return output_NCHW
    return _convolved(map_NCHW, cut_C1KK, stride)


class DepthwiseConv2d(nn.Conv2d):
    """The library's depthwise layer, computed by `depthwise_conv2d`."""

    def __init__(self, channels: int, *, kernel_size: int, stride: int) -> None:
        super().__init__(
            channels,
            channels,
            kernel_size,
            stride=stride,
            padding=kernel_size // 2,
            groups=channels,
            bias=False,
        )

    def forward(self, input: Tensor) -> Tensor:
        """Return the next map."""
        return depthwise_conv2d(input, self.weight, stride=self.stride[0])


def quicken_depthwise(model: nn.Module) -> None:
    """Have the depthwise layers inside a model computed here; their parameters stay the same.

    For training: what traces or folds a model knows the library's layers alone.
    """
    for name, child in model.named_children():
        if type(child) is nn.Conv2d and _is_plain_depthwise(child):
            (size, _), (stride, _) = child.kernel_size, child.stride
            quick = DepthwiseConv2d(child.in_channels, kernel_size=size, stride=stride)
            quick.weight = child.weight
            setattr(model, name, quick.train(child.training))
        else:
            quicken_depthwise(child)


def depthwise_weight_gradient(
    map_NCHW: Tensor, by_output_NCHW: Tensor, *, kernel_size: tuple[int, int], stride: int
) -> Tensor:
    """Return the gradient of a depthwise kernel, from that of its output; shape (C, 1, KH, KW).

    Kernels have up to seven taps a side, and are no wider than 2 W - 1 on maps of width W.
    """
    height, width = kernel_size
    rows_NCHW, padding = _with_rows(map_NCHW, height, stride)

    def taps(by_NCHW: Tensor, count: int) -> Tensor:
        shape_alone_C1KK = map_NCHW.new_empty(1).expand(map_NCHW.shape[1], 1, height, count)
        _, by_weight_C1KK = _library_gradients(
            rows_NCHW,
            by_NCHW,
            shape_alone_C1KK,
            padding=(padding, count // 2),
            stride=stride,
            wanted=(False, True),
        )
        return by_weight_C1KK

    middle_C1KK = taps(by_output_NCHW, min(width, _TAPS))
    if width <= _TAPS:
        return middle_C1KK
    pixels = _MOVE // stride
    left_NCHW, right_NCHW = _moved(by_output_NCHW, pixels), _moved(by_output_NCHW, -pixels)
    if width == _WIDEST:  # taps -3, -2 of the three at -2, and 2, 3 of those at 2
        sides = taps(left_NCHW, _TAPS)[..., :2], taps(right_NCHW, _TAPS)[..., 1:]
    elif stride == 1:
        sides = taps(left_NCHW, 1), taps(right_NCHW, 1)
    else:  # with a stride one tap is slower than three
        sides = taps(left_NCHW, _TAPS)[..., 1:2], taps(right_NCHW, _TAPS)[..., 1:2]
    return torch.cat([sides[0], middle_C1KK, sides[1]], dim=-1)


class _Depthwise(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, map_NCHW: Tensor, weight_C1KK: Tensor, stride: int) -> Tensor:
        ctx.save_for_backward(map_NCHW, weight_C1KK)
        ctx.stride = stride
        return _convolved(map_NCHW, weight_C1KK, stride)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor, None]:
        map_NCHW, weight_C1KK = ctx.saved_tensors
        (by_output_NCHW,) = gradients
        by_output_NCHW = by_output_NCHW.contiguous(memory_format=_layout(map_NCHW))
        height, width = weight_C1KK.shape[2:]
        by_weight_C1KK = depthwise_weight_gradient(
            map_NCHW, by_output_NCHW, kernel_size=(height, width), stride=ctx.stride
        )
        by_map_NCHW = None
        if ctx.needs_input_grad[0]:
            by_map_NCHW, _ = _library_gradients(
                map_NCHW,
                by_output_NCHW,
                weight_C1KK,
                padding=(height // 2, width // 2),
                stride=ctx.stride,
                wanted=(True, False),
            )
        return by_map_NCHW, by_weight_C1KK, None


def _is_plain_depthwise(layer: nn.Conv2d) -> bool:
    size = layer.kernel_size[0]
    return (
        layer.groups == layer.in_channels == layer.out_channels > 1
        and layer.kernel_size == (size, size)
        and size % 2 == 1
        and layer.stride[0] == layer.stride[1]
        and layer.padding == (size // 2, size // 2)
        and layer.dilation == (1, 1)
        and layer.padding_mode == "zeros"
        and layer.bias is None
    )


def _cut(weight_C1KK: Tensor, map_NCHW: Tensor) -> Tensor:
    """The taps that meet the map somewhere: no farther from the centre than it is long."""
    margins = [
        max(0, taps // 2 - (side - 1))
        for taps, side in zip(weight_C1KK.shape[2:], map_NCHW.shape[2:], strict=True)
    ]
    if not any(margins):
        return weight_C1KK
    above, before = margins
    height, width = weight_C1KK.shape[2:]
    return weight_C1KK[:, :, above : height - above, before : width - before]


def _gains(map_NCHW: Tensor, weight_C1KK: Tensor) -> bool:
    """Is the weight gradient needed, and faster here than in the library?"""
    height, width = weight_C1KK.shape[2:]
    return (
        weight_C1KK.requires_grad
        and torch.is_grad_enabled()
        and map_NCHW.device.type == "cpu"
        and map_NCHW.dtype == weight_C1KK.dtype == torch.float32
        and not torch.is_autocast_enabled("cpu")
        and max(height, width) <= _WIDEST
        and (width > _TAPS or (height > 1 and map_NCHW.shape[2] <= height))
    )


def _convolved(map_NCHW: Tensor, weight_C1KK: Tensor, stride: int) -> Tensor:
    channels, _, height, width = weight_C1KK.shape
    return functional.conv2d(
        map_NCHW,
        weight_C1KK,
        stride=stride,
        padding=(height // 2, width // 2),
        groups=channels,
    )


def _with_rows(map_NCHW: Tensor, height: int, stride: int) -> tuple[Tensor, int]:
    """The map, and the rows of padding that are left to the library.

    It is slow where a kernel is taller than the map, or pads three rows and has a stride: there
    the rows are added beforehand.
    """
    padding = height // 2
    is_slow = map_NCHW.shape[2] <= height or (stride > 1 and height == _WIDEST)
    if padding and is_slow:
        return functional.pad(map_NCHW, (0, 0, padding, padding)), 0
    return map_NCHW, padding


def _moved(by_output_NCHW: Tensor, pixels: int) -> Tensor:
    """The gradient moved to the left by so many pixels (to the right if negative)."""
    moved_NCHW = torch.empty_like(by_output_NCHW)
    if pixels > 0:
        moved_NCHW[..., :-pixels] = by_output_NCHW[..., pixels:]
        moved_NCHW[..., -pixels:] = 0
    else:
        moved_NCHW[..., -pixels:] = by_output_NCHW[..., :pixels]
        moved_NCHW[..., :-pixels] = 0
    return moved_NCHW


def _library_gradients(
    map_NCHW: Tensor,
    by_output_NCHW: Tensor,
    weight_C1KK: Tensor,
    *,
    padding: tuple[int, int],
    stride: int,
    wanted: tuple[bool, bool],
) -> tuple[Tensor, Tensor]:
    by_map_NCHW, by_weight_C1KK, _ = torch.ops.aten.convolution_backward(
        by_output_NCHW,
        map_NCHW,
        weight_C1KK,
        None,  # no bias
        (stride, stride),
        padding,
        (1, 1),
        False,  # not transposed
        (0, 0),
        map_NCHW.shape[1],
        (*wanted, False),
    )
    return by_map_NCHW, by_weight_C1KK


def _layout(map_NCHW: Tensor) -> torch.memory_format:
    is_last = map_NCHW.is_contiguous(memory_format=torch.channels_last)
    return torch.channels_last if is_last else torch.contiguous_format
