"""1x1 convolution with the same results and less time for few images on one CPU thread.

There the library takes its plain form, which copies the map before it multiplies; its oneDNN form,
which it takes for more images or threads, needs a quarter to nine tenths of the time.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

_MANY_IMAGES = 16  # from here on the library takes oneDNN by itself


def pointwise_conv2d(map_NCHW: Tensor, weight_OI11: Tensor) -> Tensor:
    """Return the convolution with a 1x1 kernel, without bias."""
    if _gains(map_NCHW, weight_OI11):
        output_NCHW: Tensor = torch.mkldnn_convolution(
            map_NCHW, weight_OI11, None, padding=(0, 0), stride=(1, 1), dilation=(1, 1), groups=1
        )
        return output_NCHW
    return functional.conv2d(map_NCHW, weight_OI11)


class PointwiseConv2d(nn.Conv2d):
    """The library's 1x1 layer, computed by `pointwise_conv2d`."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, 1, bias=False)

    def forward(self, input: Tensor) -> Tensor:
        """Return the next map."""
        return pointwise_conv2d(input, self.weight)


def _gains(map_NCHW: Tensor, weight_OI11: Tensor) -> bool:
    return (
        map_NCHW.shape[0] < _MANY_IMAGES
        and torch.get_num_threads() == 1
        and map_NCHW.device.type == "cpu"
        and map_NCHW.dtype == weight_OI11.dtype == torch.float32
        and not torch.is_autocast_enabled("cpu")
        and torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]  # untyped in torch
    )
