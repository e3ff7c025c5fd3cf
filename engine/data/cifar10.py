"""CIFAR-10 (Krizhevsky 2009) out of the worker's data folder, read by torchvision."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torchvision.datasets import CIFAR10

from engine.schema.errors import InvalidConfig
from engine.schema.results import Split

OFFICIAL_TRAIN = 50_000
TRAIN = 45_000

Arrays = tuple[NDArray[np.uint8], NDArray[np.int64]]  # (images_NCHW, labels_N)


def load_cifar10(data_root: Path) -> dict[Split, Arrays]:
    """Return 45,000 images to train, 5,000 to search and the official 10,000 to report.

    Raises:
        InvalidConfig: the folder lacks the data, or they are damaged.
    """
    images_NCHW, labels_N = _read(data_root, train=True)
    # RandomState and not Generator: its stream is frozen for ever (numpy's NEP 19).
    order_N = np.random.RandomState(0).permutation(len(labels_N))
    cut = len(labels_N) * TRAIN // OFFICIAL_TRAIN
    return {
        "train": (images_NCHW[order_N[:cut]], labels_N[order_N[:cut]]),
        "search": (images_NCHW[order_N[cut:]], labels_N[order_N[cut:]]),
        "report": _read(data_root, train=False),
    }


def _read(data_root: Path, *, train: bool) -> Arrays:
    try:
        official = CIFAR10(str(data_root), train=train, download=False)
    except RuntimeError as error:  # what torchvision raises for files absent or damaged
        folder = data_root / CIFAR10.base_folder
        raise InvalidConfig(
            "dataset",
            f"CIFAR-10 is not at {folder}, or is damaged; unpack {CIFAR10.filename} from "
            f"{CIFAR10.url} into {data_root}",
        ) from error
    images_NCHW = np.ascontiguousarray(official.data.transpose(0, 3, 1, 2))
    return images_NCHW, np.asarray(official.targets, dtype=np.int64)
