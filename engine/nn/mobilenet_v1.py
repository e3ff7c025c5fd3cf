"""MobileNetV1: a stack of depthwise-separable convolutions (Howard et al. 2017, table 1)."""

import torch
from torch import Tensor, nn

# (output channels at width 1, stride at 224 px) of each depthwise-separable pair.
_PAIRS = (
    (64, 1),
    (128, 2),
    (128, 1),
    (256, 2),
    (256, 1),
    (512, 2),
    *((512, 1),) * 5,
    (1024, 2),
    (1024, 1),
)
_STEM_CHANNELS = 32
_FEWEST_CHANNELS = 8


class MobileNetV1(nn.Module):
    """28 quantisable layers: a stem, 13 depthwise-separable pairs, a classifier.

    `small_images` keeps the first pair that would halve the map at full size, so that a
    32 px image ends on a 2 x 2 map.
    """

    def __init__(
        self, *, classes: int, channels: int = 3, width: float = 1.0, small_images: bool = False
    ) -> None:
        super().__init__()
        current = _scaled(_STEM_CHANNELS, width)
        stages: list[nn.Module] = [_conv_bn(channels, current, stride=2)]
        for index, (out_channels, stride) in enumerate(_PAIRS):
            out = _scaled(out_channels, width)
            kept = small_images and index == 1
            stages.append(_separable(current, out, stride=1 if kept else stride))
            current = out
        self.features = nn.Sequential(*stages)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(current, classes)
        _initialise(self)

    def forward(self, images_NCHW: Tensor) -> Tensor:
        """Return the logits, shape (N, classes)."""
        features_NC11 = self.pool(self.features(images_NCHW))
        logits_NK: Tensor = self.classifier(torch.flatten(features_NC11, 1))
        return logits_NK


def _scaled(channels: int, width: float) -> int:
    return max(_FEWEST_CHANNELS, int(channels * width))


def _conv_bn(in_channels: int, out_channels: int, *, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(inplace=True),
    )


def _separable(in_channels: int, out_channels: int, *, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(
            in_channels, in_channels, 3, stride=stride, padding=1, groups=in_channels, bias=False
        ),
        nn.BatchNorm2d(in_channels),
        nn.ReLU(inplace=True),
        nn.Conv2d(in_channels, out_channels, 1, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(inplace=True),
    )


def _initialise(model: nn.Module) -> None:
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, 0.0, 0.01)
            nn.init.zeros_(module.bias)
