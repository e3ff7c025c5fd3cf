"""Images in one folder per class, or in one without labels, split and decoded when needed."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from engine.catalog.datasets import class_shares, folder_classes, unlabelled_images
from engine.schema.errors import InvalidConfig
from engine.schema.layers import InputSpec
from engine.schema.results import Split

CACHE_BYTES = 512 * 2**20  # what all splits of a folder may hold in memory once decoded
NO_LABEL = -1
_CROP = 0.875  # the share of the short side that is kept, as ImageNet's centre crop does
_SMALLEST_CROPPED = 64  # px; smaller inputs see the whole short side
_UNREADABLE = (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError)

LabelledPaths = list[tuple[Path, int]]


def split_folder(root: Path) -> dict[Split, LabelledPaths]:
    """Return the images of each split with their labels, the same ones for the same names.

    Every class gives 70 % of its images to train, 15 % to search and the rest to report, at least
    one to each. Images without labels give a third to each: little is learnt from them.

    Raises:
        InvalidConfig: the folder is not one of images by class, nor one of images alone.
    """
    unlabelled = unlabelled_images(root)
    if unlabelled:
        return _split_unlabelled(unlabelled)
    splits: dict[Split, LabelledPaths] = {"train": [], "search": [], "report": []}
    for label, paths in enumerate(folder_classes(root).values()):
        count = len(paths)
        train, search = class_shares(count)
        order = np.random.RandomState(label).permutation(count)
        for position, index in enumerate(order):
            name: Split = (
                "train" if position < train else "search" if position < train + search else "report"
            )
            splits[name].append((paths[index], label))
    return {name: _mixed(labelled) for name, labelled in splits.items()}


def _split_unlabelled(paths: Sequence[Path]) -> dict[Split, LabelledPaths]:
    mixed = _mixed([(path, NO_LABEL) for path in paths])
    names: tuple[Split, ...] = ("train", "search", "report")
    return {name: mixed[start :: len(names)] for start, name in enumerate(names)}


class FolderPixels:
    """Images decoded from files: all at once where they fit into memory, else one by one."""

    def __init__(self, paths: Sequence[Path], *, input: InputSpec, cached: bool) -> None:
        self._paths = list(paths)
        self._input = input
        self._cache_NCHW = self._decode(range(len(paths))) if cached else None
        if not cached:
            for path in self._paths:
                check_header(path)

    def __len__(self) -> int:
        return len(self._paths)

    def at(self, indices_N: Tensor) -> Tensor:
        """Return these images, cut from their centre to the network's size."""
        if self._cache_NCHW is not None:
            return self._cache_NCHW[indices_N]
        return self._decode([int(index) for index in indices_N])

    def fingerprint(self) -> str:
        """Return a SHA-256 over names, sizes and times of change: reading all would take long."""
        digest = hashlib.sha256()
        for path in self._paths:
            stat = path.stat()
            digest.update(f"{path}:{stat.st_size}:{stat.st_mtime_ns}\n".encode())
        return digest.hexdigest()

    def _decode(self, indices: Sequence[int]) -> Tensor:
        shape = (len(indices), self._input.channels, self._input.size, self._input.size)
        pixels_NCHW = torch.empty(shape, dtype=torch.uint8)
        for row, index in enumerate(indices):
            decoded_HWC = decode(self._paths[index], input=self._input)
            pixels_NCHW[row] = torch.from_numpy(decoded_HWC).permute(2, 0, 1)
        return pixels_NCHW


def fits_in_memory(splits: Mapping[Split, LabelledPaths], *, input: InputSpec) -> bool:
    """Tell whether all images of a folder, decoded, stay within the cache."""
    images = sum(len(labelled) for labelled in splits.values())
    return images * input.channels * input.size**2 <= CACHE_BYTES


def decode(path: Path, *, input: InputSpec) -> NDArray[np.uint8]:
    """Return one image at the network's size, shape (H, W, C).

    Raises:
        InvalidConfig: the file is no image, is cut short, or is too large to be honest.
    """
    size = input.size
    kept = _CROP if size >= _SMALLEST_CROPPED else 1.0
    try:
        with Image.open(path) as file:
            image = file.convert("L" if input.channels == 1 else "RGB")
    except _UNREADABLE as error:
        raise _corrupt(path, error) from error
    side = kept * min(image.size)
    left, top = (image.width - side) / 2, (image.height - side) / 2
    cut = image.resize(
        (size, size), Image.Resampling.BICUBIC, box=(left, top, left + side, top + side)
    )
    return np.array(cut, dtype=np.uint8).reshape(size, size, input.channels)


def check_header(path: Path) -> None:
    """Look at what can be known of an image without decoding it. Raises InvalidConfig."""
    try:
        with Image.open(path) as file:
            file.verify()
    except _UNREADABLE as error:
        raise _corrupt(path, error) from error


def _corrupt(path: Path, error: BaseException) -> InvalidConfig:
    reason = str(error).replace(str(path), path.name) or type(error).__name__
    return InvalidConfig(
        "dataset", f"{path} cannot be read as an image ({reason}); replace or remove it"
    )


def _mixed(labelled: LabelledPaths) -> LabelledPaths:
    # Classes must not stand in blocks: the first few images are to show them all.
    order = np.random.RandomState(0).permutation(len(labelled))
    return [labelled[index] for index in order]
