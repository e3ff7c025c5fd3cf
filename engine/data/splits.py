"""Every data set as three splits that share no image: train, search and report."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from engine.catalog.datasets import FOLDER_PREFIX, DatasetEntry, dataset_entry
from engine.catalog.models import ModelEntry
from engine.data.cifar10 import load_cifar10
from engine.data.cluttered import ClutteredPixels
from engine.data.fashion_mnist import load_fashion_mnist
from engine.data.image_folder import FolderPixels, fits_in_memory, split_folder
from engine.data.image_set import ImageSet, Normalisation, Pixels
from engine.data.memory import MemoryPixels
from engine.schema.errors import InvalidConfig
from engine.schema.layers import InputSpec
from engine.schema.results import Split

_UNLABELLED = (
    "They have no labels: accuracy is how often the float network's own answer is kept, "
    "and says nothing of how often that answer is right."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Splits:
    """A data set, ready for one network's input.

    Images without labels all have `NO_LABEL` until a float network has said what it sees.
    """

    train: ImageSet  # weights are learnt here, thresholds calibrated
    search: ImageSet  # whatever a search looks at
    report: ImageSet  # touched once for each result shown
    classes: int | None  # None: no labels yet
    notes: tuple[str, ...]  # what a reader of the numbers must know


def load_splits(
    dataset_id: str,
    *,
    input: InputSpec,
    data_root: Path,
    normalisation: Normalisation | None = None,
) -> Splits:
    """Return a data set's splits; None normalises by the data set's own statistics.

    Raises:
        InvalidConfig: the data set is not known, not at hand, or holds a file that is no image.
    """
    entry = dataset_entry(dataset_id)
    statistics = normalisation or Normalisation(mean=entry.mean, std=entry.std)
    statistics = _over_channels(statistics, input.channels)
    if dataset_id.startswith(FOLDER_PREFIX):
        return _folder_splits(entry, input, statistics)
    if dataset_id == "cluttered-fashion-mnist":
        return _cluttered_splits(entry, input, statistics, data_root)
    if dataset_id == "fashion-mnist":
        raw, note = load_fashion_mnist(data_root)
        arrays = {name: (one.images[:, None], one.labels) for name, one in raw.items()}
    else:
        assert dataset_id == "cifar10"  # the catalogue's ids are walked by a test
        arrays, note = load_cifar10(data_root), "CIFAR-10: 45,000, 5,000 and 10,000 images."
    sets = {
        name: _image_set(MemoryPixels(images_NCHW, input=input), labels_N, statistics)
        for name, (images_NCHW, labels_N) in arrays.items()
    }
    return _splits(sets, entry, note)


def normalisation_for(model: ModelEntry, dataset: DatasetEntry) -> Normalisation:
    """Return what the model's own weights were trained with, else the data set's statistics."""
    if model.pixel_mean is None or model.pixel_std is None:
        return Normalisation(mean=dataset.mean, std=dataset.std)
    return Normalisation(mean=(model.pixel_mean,), std=(model.pixel_std,))


def _folder_splits(entry: DatasetEntry, input: InputSpec, statistics: Normalisation) -> Splits:
    paths = split_folder(Path(entry.id.removeprefix(FOLDER_PREFIX)))
    cached = fits_in_memory(paths, input=input)
    sets: dict[Split, ImageSet] = {}
    for name, labelled in paths.items():
        pixels = FolderPixels([path for path, _ in labelled], input=input, cached=cached)
        labels_N = torch.tensor([label for _, label in labelled])
        sets[name] = ImageSet(pixels, labels_N, normalisation=statistics)
    counts = ", ".join(f"{len(images):,} to {name}" for name, images in sets.items())
    unlabelled = "" if entry.classes else f" {_UNLABELLED}"
    return _splits(sets, entry, f"Images of {entry.source}: {counts}.{unlabelled}")


def _cluttered_splits(
    entry: DatasetEntry, input: InputSpec, statistics: Normalisation, data_root: Path
) -> Splits:
    raw, note = load_fashion_mnist(data_root)
    sets = {
        name: _image_set(ClutteredPixels(one, name, input=input), one.labels, statistics)
        for name, one in raw.items()
    }
    return _splits(sets, entry, f"Cluttered, image by image. {note}")


def _image_set(pixels: Pixels, labels_N: NDArray[np.int64], statistics: Normalisation) -> ImageSet:
    return ImageSet(pixels, torch.from_numpy(labels_N), normalisation=statistics)


def _splits(sets: dict[Split, ImageSet], entry: DatasetEntry, note: str) -> Splits:
    return Splits(
        train=sets["train"],
        search=sets["search"],
        report=sets["report"],
        classes=entry.classes,
        notes=(note,),
    )


def _over_channels(statistics: Normalisation, channels: int) -> Normalisation:
    if len(statistics.mean) == channels:
        return statistics
    if len(statistics.mean) == 1:
        return Normalisation(mean=statistics.mean * channels, std=statistics.std * channels)
    raise InvalidConfig(
        "model",
        f"takes {channels} channels and the images have {len(statistics.mean)}; "
        "choose another model",
    )
