"""A toy task, and a toy network that learns it."""

import numpy as np
import torch
from torch import nn

from engine.data.image_set import ImageSet, Normalisation
from engine.data.memory import MemoryPixels
from engine.schema.layers import InputSpec

CPU = torch.device("cpu")


def make_toy_images(count: int, *, channels: int = 1, size: int = 8, seed: int = 0) -> ImageSet:
    """Noise that is bright above (0) or below (1); mirroring does not change which."""
    generator = np.random.default_rng(seed)
    labels_N = generator.integers(2, size=count)
    pixels_NCHW = generator.integers(0, 60, size=(count, channels, size, size), dtype=np.uint8)
    pixels_NCHW[labels_N == 0, :, : size // 2] += 150
    pixels_NCHW[labels_N == 1, :, size // 2 :] += 150
    return ImageSet(
        MemoryPixels(pixels_NCHW, input=InputSpec(channels=channels, size=size)),
        torch.from_numpy(labels_N),
        normalisation=Normalisation(mean=(0.4,) * channels, std=(0.3,) * channels),
    )


def make_toy_network() -> nn.Module:
    """Return a network with batch norm and dropout, so that all kinds of state are in play."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.Flatten(),
        nn.Dropout(0.2),
        nn.Linear(64, 2),
    )
