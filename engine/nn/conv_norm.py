"""A convolution, batch norm and an activation, named as in the ProxylessNAS authors' networks."""

from torch import Tensor, nn
from torch.nn import functional

NORM_EPS = 1e-3  # Cai et al. 2019, in the released code's configs
NORM_MOMENTUM = 0.1


def batch_norm(channels: int) -> nn.BatchNorm2d:
    """Return batch norm with the constants of the released networks."""
    return nn.BatchNorm2d(channels, eps=NORM_EPS, momentum=NORM_MOMENTUM)


class ConvNorm(nn.Module):
    """A convolution without bias, batch norm, and ReLU6 unless it is linear."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        kernel_size: int = 1,
        stride: int = 1,
        groups: int = 1,
        linear: bool = False,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            in_channels,
            out_channels,
            kernel_size,
            stride=stride,
            padding=kernel_size // 2,
            groups=groups,
            bias=False,
        )
        self.bn = batch_norm(out_channels)
        self.linear = linear

    def forward(self, images_NCHW: Tensor) -> Tensor:
        """Return the next map."""
        normalised_NCHW: Tensor = self.bn(self.conv(images_NCHW))
        if self.linear:
            return normalised_NCHW
        return functional.relu6(normalised_NCHW, inplace=True)
