"""Images with labels, ready for a network: cut to size, normalised, in seeded batches.

Shapes: N images, C channels, H x W pixels.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

_SEED_RANGE = 2**62


@dataclass(frozen=True, slots=True, kw_only=True)
class Normalisation:
    """Mean and standard deviation of pixels on the scale 0-1, one per channel."""

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def apply(self, pixels_NCHW: Tensor) -> Tensor:
        """Return 8-bit pixels as floats of about zero mean and unit deviation, channels last."""
        device = pixels_NCHW.device
        scale_C11 = torch.tensor([1 / (255 * std) for std in self.std], device=device).view(
            -1, 1, 1
        )
        shift_C11 = torch.tensor(
            [-mean / std for mean, std in zip(self.mean, self.std, strict=True)], device=device
        ).view(-1, 1, 1)
        floats_NCHW = pixels_NCHW.to(torch.float32, memory_format=torch.channels_last)
        return floats_NCHW.mul_(scale_C11).add_(shift_C11)


class Pixels(Protocol):
    """Where an image set gets its pixels."""

    def __len__(self) -> int:
        """How many images there are."""

    def at(self, indices_N: Tensor) -> Tensor:
        """Return these images as uint8, at the network's channels and size, NCHW."""

    def fingerprint(self) -> str:
        """Tell these images from any others, in hex."""


class ImageSet:
    """One split of a data set; its order never changes, so that `first(n)` are always the same."""

    def __init__(self, pixels: Pixels, labels_N: Tensor, *, normalisation: Normalisation) -> None:
        assert len(pixels) == len(labels_N)
        self.labels_N = labels_N
        self.normalisation = normalisation
        self.pixels = pixels

    def __len__(self) -> int:
        return len(self.labels_N)

    def labelled(self, labels_N: Tensor) -> "ImageSet":
        """Return the same images with these labels."""
        return ImageSet(self.pixels, labels_N, normalisation=self.normalisation)

    @cached_property
    def fingerprint(self) -> str:
        """Tell this split from any other by its images and labels, in hex."""
        labels = hashlib.sha256(self.labels_N.numpy().tobytes()).hexdigest()
        return hashlib.sha256(f"{self.pixels.fingerprint()}:{labels}".encode()).hexdigest()

    def first(self, count: int) -> tuple[Tensor, Tensor]:
        """Return the first images and their labels; all of them where there are fewer."""
        indices_N = torch.arange(min(count, len(self)))
        return self.normalisation.apply(self.pixels.at(indices_N)), self.labels_N[indices_N]

    def batch_count(self, batch_size: int, *, limit: int | None = None) -> int:
        """Return how many batches a shuffled pass has."""
        images = _limited(len(self), limit)
        # Batch norm cannot learn from a single image, so a rest of one is left out.
        return images // batch_size + (images % batch_size > 1)

    def batches(
        self,
        batch_size: int,
        *,
        generator: torch.Generator | None = None,
        augment: bool = False,
        limit: int | None = None,
        start: int = 0,
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield one pass over the first `limit` images, from batch number `start` on.

        With a generator the pass is shuffled, and augmented if so asked; the same generator state
        gives the same batches, whichever of them the pass starts with.
        """
        images = _limited(len(self), limit)
        if generator is None:
            for chunk_B in torch.split(torch.arange(images), batch_size)[start:]:
                yield self.normalisation.apply(self.pixels.at(chunk_B)), self.labels_N[chunk_B]
            return
        order_N = torch.randperm(images, generator=generator)
        first_seed = int(torch.randint(_SEED_RANGE, (), generator=generator))
        for number in range(start, self.batch_count(batch_size, limit=limit)):
            chunk_B = order_N[number * batch_size : (number + 1) * batch_size]
            pixels_BCHW = self.pixels.at(chunk_B)
            if augment:
                # A stream per batch: a resumed pass need not draw those it skips.
                own = torch.Generator().manual_seed(first_seed + number)
                pixels_BCHW = flip_and_shift(pixels_BCHW, generator=own)
            yield self.normalisation.apply(pixels_BCHW), self.labels_N[chunk_B]


def flip_and_shift(pixels_NCHW: Tensor, *, generator: torch.Generator) -> Tensor:
    """Mirror half of the images and shift each by up to an eighth of its side, edges black."""
    count, _, height, width = pixels_NCHW.shape
    reach = max(1, height // 8)
    padded_NCHW = functional.pad(pixels_NCHW, (reach,) * 4)
    top_N = torch.randint(2 * reach + 1, (count, 1), generator=generator)
    left_N = torch.randint(2 * reach + 1, (count, 1), generator=generator)
    flipped_N = torch.randint(2, (count, 1), generator=generator, dtype=torch.bool)
    # Drawn on the CPU, so that every device sees the same images.
    rows_NH = top_N + torch.arange(height)
    ascending_W = torch.arange(width)
    columns_NW = left_N + torch.where(flipped_N, ascending_W.flip(0), ascending_W)
    rows_NH, columns_NW = rows_NH.to(pixels_NCHW.device), columns_NW.to(pixels_NCHW.device)
    image_N = torch.arange(count, device=pixels_NCHW.device)
    # Indexing by three arrays puts the channels last.
    cut_NHWC = padded_NCHW.permute(0, 2, 3, 1)[
        image_N[:, None, None], rows_NH[:, :, None], columns_NW[:, None, :]
    ]
    return cut_NHWC.permute(0, 3, 1, 2)


def _limited(count: int, limit: int | None) -> int:
    return count if limit is None else min(count, limit)
