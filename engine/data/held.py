"""Pixels kept ready on the device that computes, so that no batch waits for them."""

import torch
from torch import Tensor

from engine.data.image_set import ImageSet, Pixels

_MOST_BYTES = 4 * 2**30
_CHUNK = 4096  # images brought to size at once


class HeldPixels:
    """The first images of some pixels as bytes in one tensor, at the network's size."""

    def __init__(self, pixels: Pixels, device: torch.device, *, count: int) -> None:
        chunks = torch.split(torch.arange(count), _CHUNK)
        self._pixels_NCHW = torch.cat([pixels.at(chunk_N).to(device) for chunk_N in chunks])
        self._source = pixels

    def __len__(self) -> int:
        return len(self._pixels_NCHW)

    def at(self, indices_N: Tensor) -> Tensor:
        """Return these images, on the device."""
        return self._pixels_NCHW[indices_N.to(self._pixels_NCHW.device)]

    def fingerprint(self) -> str:
        """Tell the images that these are the first of from any others, in hex."""
        return self._source.fingerprint()


def held(images: ImageSet, device: torch.device, *, limit: int | None = None) -> ImageSet:
    """Return the first `limit` images of a set with their pixels held on a device.

    A set that would take too much memory comes back as it is.
    """
    count = len(images) if limit is None else min(limit, len(images))
    (one_CHW,) = images.pixels.at(torch.arange(1))
    if count * one_CHW.numel() > _MOST_BYTES:
        return images
    return ImageSet(
        HeldPixels(images.pixels, device, count=count),
        images.labels_N[:count],
        normalisation=images.normalisation,
    )
