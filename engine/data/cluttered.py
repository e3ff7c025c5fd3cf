"""Clothes among fragments of clothes: Fashion-MNIST made harder, image by image.

After the cluttered MNIST task of Mnih et al. 2014 (Recurrent models of visual attention). An
image of Fashion-MNIST is scaled by 0.6-1.2 and laid at a random place on a canvas of 48 px, among
4-8 fragments of 8-12 px of other images of its split. The label is that of the whole image.

Every draw comes from the split and the image's place in the official file, and all arithmetic is
on whole numbers, so an image looks the same on every machine and in every run.
"""

import hashlib
from collections.abc import Mapping
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.data.fashion_mnist import SIDE, RawSplit
from engine.data.memory import to_size
from engine.schema.layers import InputSpec
from engine.schema.results import Split

CANVAS = 48  # px a side
SCALE = (0.6, 1.2)
FRAGMENTS = (4, 8)
FRAGMENT_SIDE = (8, 12)  # px

# Fragments come from the first images of a split: those that every machine has.
DONORS: Mapping[Split, int] = {"train": 10_000, "search": 2_000, "report": 6_000}

_RECIPE = b"cluttered-1"  # a part of every fingerprint
_STREAMS: Mapping[Split, int] = {"train": 0, "search": 1, "report": 2}
_DRAWS_OF_PLACE = 2  # from the top, from the left
_ONE = 2**12  # fixed point of the scaling's weights

Bytes = NDArray[np.uint8]


class ClutteredPixels:
    """Cluttered images of one split, made when they are first asked for and kept."""

    def __init__(self, raw: RawSplit, split: Split, *, input: InputSpec) -> None:
        self._raw = raw
        self._split = split
        self._input = input
        count = len(raw.labels)
        # The system gives memory to those that are written, not to all of them.
        self._canvases_NCHW = np.zeros((count, 1, CANVAS, CANVAS), dtype=np.uint8)
        self._is_made_N = np.zeros(count, dtype=np.bool_)

    def __len__(self) -> int:
        return len(self._is_made_N)

    def at(self, indices_N: Tensor) -> Tensor:
        """Return these images at the network's size, repeated over its channels."""
        places_N = indices_N.numpy()
        for place in places_N[~self._is_made_N[places_N]]:
            self._canvases_NCHW[place, 0] = cluttered(self._raw, self._split, int(place))
            self._is_made_N[place] = True
        canvases_NCHW = torch.from_numpy(self._canvases_NCHW[places_N])
        return to_size(canvases_NCHW, self._input.size).expand(-1, self._input.channels, -1, -1)

    def fingerprint(self) -> str:
        """Return a SHA-256 over what the images are made from."""
        digest = hashlib.sha256(_RECIPE + self._split.encode())
        digest.update(self._raw.images.tobytes())
        digest.update(self._raw.indices.tobytes())
        return digest.hexdigest()


def cluttered(raw: RawSplit, split: Split, place: int) -> Bytes:
    """Return the image at a place of a split on its canvas; shape (48, 48)."""
    # RandomState and not Generator: its stream is frozen for ever (numpy's NEP 19).
    random = np.random.RandomState([_STREAMS[split], int(raw.indices[place])])
    count, scale, *of_object = random.random_sample(2 + _DRAWS_OF_PLACE).tolist()
    fragments = random.random_sample((_pick(count, FRAGMENTS), 4 + _DRAWS_OF_PLACE)).tolist()
    canvas_HW = np.zeros((CANVAS, CANVAS), dtype=np.uint8)
    for *of_fragment, down, right in fragments:
        _lay(canvas_HW, _fragment(raw, split, place, of_fragment), down, right)
    low, high = SCALE
    side = round(SIDE * (low + (high - low) * scale))
    _lay(canvas_HW, scaled(raw.images[place], side), *of_object)
    return canvas_HW


def scaled(image_HW: Bytes, side: int) -> Bytes:
    """Return a square image with another side, bilinear and antialiased, in whole numbers."""
    weights = _scaling(image_HW.shape[0], side)
    # Floats that hold whole numbers below 2^53: exact, in whatever order they are added.
    sums_HW = weights @ image_HW.astype(np.float64) @ weights.T
    return ((sums_HW.astype(np.int64) + _ONE**2 // 2) // _ONE**2).astype(np.uint8)


def _fragment(raw: RawSplit, split: Split, place: int, draws: list[float]) -> Bytes:
    by_donor, by_side, down, right = draws
    donors = min(DONORS[split], len(raw.labels))
    donor = int(by_donor * donors)
    if donor == place:
        donor = (donor + 1) % donors
    side = _pick(by_side, FRAGMENT_SIDE)
    top, left = int(down * (SIDE - side + 1)), int(right * (SIDE - side + 1))
    return raw.images[donor, top : top + side, left : left + side]


def _lay(canvas_HW: Bytes, piece_HW: Bytes, down: float, right: float) -> None:
    """Lay a piece wholly within the canvas, in place; the brighter pixel shows."""
    side = piece_HW.shape[0]
    top, left = int(down * (CANVAS - side + 1)), int(right * (CANVAS - side + 1))
    window_HW = canvas_HW[top : top + side, left : left + side]
    np.maximum(window_HW, piece_HW, out=window_HW)


def _pick(draw: float, bounds: tuple[int, int]) -> int:
    low, high = bounds
    return low + int(draw * (high - low + 1))


@cache
def _scaling(native: int, side: int) -> NDArray[np.float64]:
    """Return whole weights of shape (side, native); each row comes to about `_ONE`."""
    ratio = native / side
    centres_S1 = (np.arange(side)[:, None] + 0.5) * ratio - 0.5
    distances_SN = np.abs(np.arange(native)[None, :] - centres_S1) / max(1.0, ratio)
    triangle_SN = np.maximum(0.0, 1.0 - distances_SN)
    weights_SN: NDArray[np.float64] = np.floor(
        triangle_SN / triangle_SN.sum(axis=1, keepdims=True) * _ONE
    )
    weights_SN.setflags(write=False)  # shared by every caller
    return weights_SN
