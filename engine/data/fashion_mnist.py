"""Fashion-MNIST (Xiao et al. 2017): the full set where it is found, else the built-in part.

The split is drawn once and for all: a permutation of the 60,000 training images, of which the
first 50,000 train, the next 5,000 search and the rest stay unused; the official test images
report. The built-in part holds the first images of each, so that whoever looks at the first few
sees the same ones on every machine.
"""

import gzip
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.schema.errors import InvalidConfig
from engine.schema.results import Split

BUILT_IN = Path(__file__).parent / "built_in" / "fashion_mnist.npz"
DEBIAN_FOLDER = Path("/usr/share/datasets/fashion-mnist")  # of the package dataset-fashion-mnist
TORCHVISION_FOLDER = Path("FashionMNIST/raw")  # below the data folder

OFFICIAL_TRAIN = 60_000
OFFICIAL_TEST = 10_000
TRAIN = 50_000
SEARCH = 5_000
SIDE = 28

_PREFIX: Mapping[str, str] = {"train": "train", "test": "t10k"}


@dataclass(frozen=True, slots=True, kw_only=True)
class RawSplit:
    """Grey images of one split with their labels and their places in the official files."""

    images: NDArray[np.uint8]  # N, H, W
    labels: NDArray[np.int64]  # N
    indices: NDArray[np.int64]  # N


def load_fashion_mnist(
    data_root: Path, *, system_folder: Path = DEBIAN_FOLDER
) -> tuple[dict[Split, RawSplit], str]:
    """Return the three splits, and a sentence that says which images they are.

    Raises:
        InvalidConfig: a full set was found that cannot be read.
    """
    for folder in (data_root / TORCHVISION_FOLDER, system_folder):
        if _file(folder, "train", "images") is not None:
            splits = full_splits(folder)
            return splits, f"Full Fashion-MNIST from {folder}: {_counts(splits)}."
    splits = built_in_splits()
    return splits, f"Built-in part of Fashion-MNIST: {_counts(splits)}."


def full_splits(folder: Path) -> dict[Split, RawSplit]:
    """Read the four official files, as they are or gzipped, and split them."""
    train_images_NHW, train_labels_N = _read_pair(folder, "train", OFFICIAL_TRAIN)
    test_images_NHW, test_labels_N = _read_pair(folder, "test", OFFICIAL_TEST)
    train_N, search_N = train_and_search_indices()
    return {
        "train": _take(train_images_NHW, train_labels_N, train_N),
        "search": _take(train_images_NHW, train_labels_N, search_N),
        "report": _take(test_images_NHW, test_labels_N, np.arange(OFFICIAL_TEST)),
    }


def built_in_splits() -> dict[Split, RawSplit]:
    """Read the part that lies in the repository."""
    names: tuple[Split, ...] = ("train", "search", "report")
    with np.load(BUILT_IN, allow_pickle=False) as file:
        return {
            name: RawSplit(
                images=file[f"{name}_images"],
                labels=file[f"{name}_labels"].astype(np.int64),
                indices=file[f"{name}_indices"].astype(np.int64),
            )
            for name in names
        }


def train_and_search_indices() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the places of the train and the search images in the official training file."""
    # RandomState and not Generator: its stream is frozen for ever (numpy's NEP 19).
    order_N = np.random.RandomState(0).permutation(OFFICIAL_TRAIN)
    return order_N[:TRAIN], order_N[TRAIN : TRAIN + SEARCH]


def _take(
    images_NHW: NDArray[np.uint8], labels_N: NDArray[np.uint8], indices_N: NDArray[np.int64]
) -> RawSplit:
    return RawSplit(
        images=images_NHW[indices_N],
        labels=labels_N[indices_N].astype(np.int64),
        indices=indices_N,
    )


def _read_pair(folder: Path, part: str, count: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    images_N = _read_idx(folder, part, "images", header=16, length=count * SIDE * SIDE)
    labels_N = _read_idx(folder, part, "labels", header=8, length=count)
    return images_N.reshape(count, SIDE, SIDE), labels_N


def _read_idx(folder: Path, part: str, what: str, *, header: int, length: int) -> NDArray[np.uint8]:
    path = _file(folder, part, what)
    if path is None:
        raise InvalidConfig(
            "dataset", f"{folder} lacks Fashion-MNIST's {part} {what}; fetch the set again"
        )
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise InvalidConfig(
            "dataset", f"{path} cannot be read ({error}); fetch it again"
        ) from error
    if len(content) != header + length:
        raise InvalidConfig(
            "dataset",
            f"{path} holds {len(content)} bytes, expected {header + length}; fetch it again",
        )
    return np.frombuffer(content, dtype=np.uint8, offset=header)


def _file(folder: Path, part: str, what: str) -> Path | None:
    stem = f"{_PREFIX[part]}-{what}-idx{3 if what == 'images' else 1}-ubyte"
    paths = (folder / stem, folder / f"{stem}.gz")
    return next((path for path in paths if path.is_file()), None)


def _counts(splits: Mapping[Split, RawSplit]) -> str:
    counts = {name: len(split.labels) for name, split in splits.items()}
    return (
        f"{counts['train']:,} images to train, {counts['search']:,} to search, "
        f"{counts['report']:,} to report"
    )
