"""The data sets one may choose, and what a network must know of their images."""

from dataclasses import dataclass
from pathlib import Path

from engine.schema.errors import InvalidConfig

FOLDER_PREFIX = "folder:"
IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".ppm"})
FEWEST_IMAGES_A_CLASS = 10
FEWEST_UNLABELLED_IMAGES = 48
_TRAIN_SHARE, _SEARCH_SHARE = 0.70, 0.15  # of each class of a folder
# Of ImageNet's training images; the custom for photographs of unknown origin.
_IMAGENET_MEAN = (0.485, 0.456, 0.406)
_IMAGENET_STD = (0.229, 0.224, 0.225)
_SIDE_UNIT = 8  # px; networks halve their maps three times
_LARGEST_SMALL_IMAGE = 96  # px; larger ones are brought to a network's own size


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetEntry:
    """A data set: its images' channels and native size in pixels, and its class count.

    Without labels there are no classes: a network keeps its own, and is asked whether it still
    answers as it did in float.
    """

    id: str
    title: str
    description: str
    channels: int
    size: int
    classes: int | None  # None: no labels
    mean: tuple[float, ...]  # of its pixels on the scale 0-1, by channel
    std: tuple[float, ...]
    source: str
    search_images: int  # of the search split, at most: a part that is at hand may have fewer
    built_in: bool = False  # at hand without a download

    @property
    def network_size(self) -> int | None:
        """The side at which networks for small images take these, in px; None: their own.

        It is the native one, with a border up to a multiple of eight.
        """
        if self.size > _LARGEST_SMALL_IMAGE:
            return None
        return -(-self.size // _SIDE_UNIT) * _SIDE_UNIT


DATASETS: dict[str, DatasetEntry] = {
    entry.id: entry
    for entry in (
        DatasetEntry(
            id="fashion-mnist",
            title="Fashion-MNIST",
            description="Grey 28 px pictures of clothes, 10 classes. 18,000 come with Bespoke; "
            "the full 70,000 are used where they are found.",
            channels=1,
            size=28,
            classes=10,
            mean=(0.2860,),
            std=(0.3530,),
            source="Xiao et al. 2017, MIT licence",
            search_images=5_000,
            built_in=True,
        ),
        DatasetEntry(
            id="cluttered-fashion-mnist",
            title="Cluttered Fashion-MNIST",
            description="Fashion-MNIST made harder: each piece of clothing at a size and a place "
            "of its own on 48 px, among fragments of others. Made as it is used.",
            channels=1,
            size=48,
            classes=10,
            mean=(0.1684,),
            std=(0.3068,),
            source="Made from Fashion-MNIST; after Mnih et al. 2014",
            search_images=5_000,
            built_in=True,
        ),
        DatasetEntry(
            id="cifar10",
            title="CIFAR-10",
            description="Colour 32 px pictures, 10 classes, from the worker's data folder.",
            channels=3,
            size=32,
            classes=10,
            mean=(0.4914, 0.4822, 0.4465),
            std=(0.2470, 0.2435, 0.2616),
            source="Krizhevsky 2009",
            search_images=5_000,
        ),
    )
}


def dataset_entry(dataset_id: str) -> DatasetEntry:
    """Return what is known of a data set; a folder is looked at, its images are not opened.

    A folder holds one folder of images for each class, or images alone: those have no labels.

    Raises:
        InvalidConfig: no such data set, or a folder that holds too few images.
    """
    if dataset_id.startswith(FOLDER_PREFIX):
        return _folder_entry(dataset_id)
    entry = DATASETS.get(dataset_id)
    if entry is None:
        known = ", ".join([*DATASETS, f"{FOLDER_PREFIX}<path>"])
        raise InvalidConfig("dataset", f"{dataset_id!r} is not known; choose one of {known}")
    return entry


def folder_classes(root: Path) -> dict[str, list[Path]]:
    """Return the images of a folder by class, both sorted.

    Raises:
        InvalidConfig: no folder, fewer than two classes, or a class with too few images.
    """
    folders = _class_folders(root)
    classes = {folder.name: _images(folder) for folder in folders}
    if len(classes) < 2:
        raise InvalidConfig(
            "dataset",
            f"{root} has {len(classes)} class folders; put the images into one folder per class, "
            "at least two, or images without labels into the folder itself",
        )
    for name, images in classes.items():
        if len(images) < FEWEST_IMAGES_A_CLASS:
            raise InvalidConfig(
                "dataset",
                f"class {name!r} has {len(images)} images; each class needs at least "
                f"{FEWEST_IMAGES_A_CLASS} to be split into train, search and report",
            )
    return classes


def class_shares(images: int) -> tuple[int, int]:
    """Return how many of a class's images train and how many search; the rest reports.

    Every class gives 70 % to train, 15 % to search and at least one to each split.
    """
    search = max(1, round(images * _SEARCH_SHARE))
    return min(round(images * _TRAIN_SHARE), images - search - 1), search


def unlabelled_images(root: Path) -> list[Path]:
    """Return the images that lie in a folder itself, sorted; none where it has class folders.

    Raises:
        InvalidConfig: no folder, or too few images for three splits.
    """
    if _class_folders(root):
        return []
    images = _images(root)
    if images and len(images) < FEWEST_UNLABELLED_IMAGES:
        raise InvalidConfig(
            "dataset",
            f"{root} has {len(images)} images without labels; at least "
            f"{FEWEST_UNLABELLED_IMAGES} are needed to be split into train, search and report",
        )
    return images


def _class_folders(root: Path) -> list[Path]:
    if not root.is_dir():
        raise InvalidConfig("dataset", f"there is no folder {root} on this machine; check the path")
    return [
        folder
        for folder in sorted(root.iterdir())
        if folder.is_dir() and not folder.name.startswith(".")
    ]


def _images(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES)


def _folder_entry(dataset_id: str) -> DatasetEntry:
    root = Path(dataset_id.removeprefix(FOLDER_PREFIX))
    unlabelled = unlabelled_images(root)
    classes = {} if unlabelled else folder_classes(root)
    count = len(unlabelled) or sum(len(images) for images in classes.values())
    return DatasetEntry(
        id=dataset_id,
        title=root.name,
        description=f"{count} images without labels."
        if unlabelled
        else f"{count} images in {len(classes)} classes.",
        channels=3,
        size=224,
        classes=None if unlabelled else len(classes),
        mean=_IMAGENET_MEAN,
        std=_IMAGENET_STD,
        source=str(root),
        search_images=(len(unlabelled) + 1) // 3
        or sum(class_shares(len(images))[1] for images in classes.values()),
    )
