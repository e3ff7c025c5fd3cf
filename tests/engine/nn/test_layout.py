"""How weights lie in memory."""

import torch
from torch import nn

from engine.nn.layout import lay_channels_last


def test_convolutions_and_the_maps_after_them_have_their_channels_last() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 5, 3))
    images_NCHW = torch.randn(2, 3, 9, 9)
    expected_NCHW = model(images_NCHW)

    lay_channels_last(model)

    maps_NCHW = model(images_NCHW)
    assert model[3].weight.is_contiguous(memory_format=torch.channels_last)
    assert maps_NCHW.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(maps_NCHW, expected_NCHW)
