"""Pixels in memory, brought to a network's input."""

import numpy as np
import pytest
import torch

from engine.data.memory import MemoryPixels
from engine.schema.errors import InvalidConfig
from engine.schema.layers import InputSpec


def test_a_slightly_smaller_image_gets_a_black_border() -> None:
    pixels_NCHW = np.full((1, 1, 28, 28), 9, dtype=np.uint8)

    (image_CHW,) = MemoryPixels(pixels_NCHW, input=InputSpec(channels=1, size=32)).at(
        torch.tensor([0])
    )

    assert image_CHW.shape == (1, 32, 32)
    assert image_CHW[0, 2:30, 2:30].unique().tolist() == [9]
    assert int(image_CHW.sum()) == 9 * 28 * 28


@pytest.mark.parametrize("size", [8, 224], ids=["smaller", "larger"])
def test_a_far_size_is_resized_and_keeps_its_brightness(size: int) -> None:
    ramp = np.linspace(0, 255, 28, dtype=np.uint8)
    pixels_NCHW = np.broadcast_to(ramp, (1, 1, 28, 28)).copy()

    (image_CHW,) = MemoryPixels(pixels_NCHW, input=InputSpec(channels=1, size=size)).at(
        torch.tensor([0])
    )

    assert image_CHW.shape == (1, size, size)
    assert image_CHW.float().mean() == pytest.approx(127.5, abs=2)
    assert (image_CHW[0, 0].diff() >= 0).all()


def test_grey_is_repeated_over_a_colour_networks_channels() -> None:
    pixels_NCHW = np.arange(16, dtype=np.uint8).reshape(1, 1, 4, 4)

    images_NCHW = MemoryPixels(pixels_NCHW, input=InputSpec(channels=3, size=4)).at(
        torch.tensor([0, 0])
    )

    assert images_NCHW.shape == (2, 3, 4, 4)
    assert torch.equal(images_NCHW[0, 0], images_NCHW[1, 2])


def test_colour_images_do_not_go_into_a_grey_network() -> None:
    pixels_NCHW = np.zeros((1, 3, 4, 4), dtype=np.uint8)

    with pytest.raises(InvalidConfig, match="takes 1 channels and the images have 3"):
        MemoryPixels(pixels_NCHW, input=InputSpec(channels=1, size=4))
