"""Small data sets: all pixels in memory as bytes."""

import hashlib

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from engine.schema.errors import InvalidConfig
from engine.schema.layers import InputSpec

_WIDEST_BORDER = 4  # pixels a side that are padded; images farther from the size are resized


class MemoryPixels:
    """Bytes of shape (N, C, H, W), brought to a network's input as they are asked for."""

    def __init__(self, pixels_NCHW: NDArray[np.uint8], *, input: InputSpec) -> None:
        channels = pixels_NCHW.shape[1]
        if channels not in (1, input.channels):
            raise InvalidConfig(
                "model",
                f"takes {input.channels} channels and the images have {channels}; "
                "choose another model",
            )
        self._pixels_NCHW = torch.from_numpy(np.ascontiguousarray(pixels_NCHW))
        self._input = input

    def __len__(self) -> int:
        return len(self._pixels_NCHW)

    def at(self, indices_N: Tensor) -> Tensor:
        """Return these images at the network's size; grey ones repeated over its channels."""
        sized_NCHW = to_size(self._pixels_NCHW[indices_N], self._input.size)
        return sized_NCHW.expand(-1, self._input.channels, -1, -1)

    def fingerprint(self) -> str:
        """Return a SHA-256 over the pixels."""
        return hashlib.sha256(self._pixels_NCHW.numpy().tobytes()).hexdigest()


def to_size(pixels_NCHW: Tensor, size: int) -> Tensor:
    """Return bytes at another side: with a border where they are a little small, else resized."""
    native = pixels_NCHW.shape[-1]
    border = size - native
    if border == 0:
        return pixels_NCHW
    if 0 < border <= 2 * _WIDEST_BORDER:
        before, after = border // 2, border - border // 2
        return functional.pad(pixels_NCHW, (before, after, before, after))
    resized_NCHW = functional.interpolate(
        pixels_NCHW.to(torch.float32),
        size=(size, size),
        mode="bilinear",
        antialias=size < native,
        align_corners=False,
    )
    return resized_NCHW.round_().clamp_(0, 255).to(torch.uint8)
