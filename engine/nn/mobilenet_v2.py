"""MobileNetV2 (Sandler et al. 2018): torchvision's definition, with a variant for small images."""

from torch import nn
from torchvision.models import MobileNetV2

# (expansion, output channels at width 1, repeats, first stride); Sandler et al. 2018, table 2.
_STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
# At 32 px the 24-channel stage keeps its map, so that the last map is 2 x 2 and not 1 x 1.
_SMALL_IMAGE_STRIDES = (1, 1, 2, 2, 1, 2, 1)


def mobilenet_v2(
    *, classes: int, channels: int = 3, width: float = 1.0, small_images: bool = False
) -> nn.Module:
    """Return a MobileNetV2 with 53 quantisable layers, named as torchvision names them."""
    strides = _SMALL_IMAGE_STRIDES if small_images else tuple(stage[3] for stage in _STAGES)
    settings = [[*stage[:3], stride] for stage, stride in zip(_STAGES, strides, strict=True)]
    model: nn.Module = MobileNetV2(
        num_classes=classes, width_mult=width, inverted_residual_setting=settings
    )
    if channels != 3:
        _take_channels(model.get_submodule("features.0"), channels)
    return model


def _take_channels(stem: nn.Module, channels: int) -> None:
    colour = stem.get_submodule("0")
    assert isinstance(colour, nn.Conv2d)
    convolution = nn.Conv2d(channels, colour.out_channels, 3, stride=2, padding=1, bias=False)
    nn.init.kaiming_normal_(convolution.weight, mode="fan_out")
    stem.add_module("0", convolution)
