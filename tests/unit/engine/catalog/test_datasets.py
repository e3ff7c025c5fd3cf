"""Data sets by id; a folder is looked at, its images are not opened."""

from pathlib import Path

import pytest

from engine.catalog.datasets import DATASETS, dataset_entry, folder_classes
from engine.catalog.models import fitted_input, model_entry
from engine.catalog.spaces import space_for
from engine.schema.errors import InvalidConfig


def fill(folder: Path, **images: int) -> Path:
    root = folder / "pets"
    root.mkdir()
    for name, count in images.items():
        (root / name).mkdir()
        for number in range(count):
            (root / name / f"{number:02}.PNG").touch()
    return root


def unlabelled(folder: Path, count: int) -> str:
    """Return the id of a folder of images alone."""
    root = folder / "photos"
    root.mkdir()
    for number in range(count):
        (root / f"{number:02}.jpg").touch()
    return f"folder:{root}"


@pytest.mark.parametrize("dataset_id", list(DATASETS))
def test_every_data_set_has_statistics_for_each_of_its_channels(dataset_id: str) -> None:
    entry = dataset_entry(dataset_id)

    assert len(entry.mean) == len(entry.std) == entry.channels
    assert all(0 < value < 1 for value in (*entry.mean, *entry.std))


def test_a_folder_tells_its_classes(tmp_path: Path) -> None:
    entry = dataset_entry(f"folder:{fill(tmp_path, dogs=10, cats=12)}")

    assert (entry.classes, entry.channels) == (2, 3)
    assert entry.description == "22 images in 2 classes."


def test_images_in_the_folder_itself_have_no_labels(tmp_path: Path) -> None:
    photos = unlabelled(tmp_path, 48)

    entry = dataset_entry(photos)

    assert entry.classes is None
    assert entry.description == "48 images without labels."


def test_a_model_keeps_its_own_classes_on_images_without_labels(tmp_path: Path) -> None:
    photos = unlabelled(tmp_path, 48)

    dataset = dataset_entry(photos)

    assert fitted_input(model_entry("efficientnet_lite0"), dataset)[1] == 1000


def test_a_space_of_networks_asks_for_labels(tmp_path: Path) -> None:
    dataset = dataset_entry(unlabelled(tmp_path, 48))

    with pytest.raises(InvalidConfig, match="has no labels, and networks are searched by them"):
        space_for("tiny", dataset=dataset)


def test_a_few_images_without_labels_are_too_few(tmp_path: Path) -> None:
    photos = unlabelled(tmp_path, 47)

    with pytest.raises(InvalidConfig, match="47 images without labels; at least 48 are needed"):
        dataset_entry(photos)


def test_classes_and_images_come_in_the_order_of_their_names(tmp_path: Path) -> None:
    classes = folder_classes(fill(tmp_path, dogs=10, cats=11))

    assert list(classes) == ["cats", "dogs"]
    assert classes["cats"] == sorted(classes["cats"])


def test_hidden_folders_and_other_files_are_passed_over(tmp_path: Path) -> None:
    root = fill(tmp_path, dogs=10, cats=10)
    (root / ".thumbnails").mkdir()
    (root / "README.txt").touch()
    (root / "cats" / "labels.csv").touch()

    assert {name: len(images) for name, images in folder_classes(root).items()} == {
        "cats": 10,
        "dogs": 10,
    }


@pytest.mark.parametrize(
    ("images", "message"),
    [
        ({}, "has 0 class folders; put the images into one folder per class, at least two"),
        ({"dogs": 20}, "has 1 class folders"),
        ({"dogs": 20, "cats": 9}, "class 'cats' has 9 images; each class needs at least 10"),
    ],
)
def test_a_folder_that_cannot_be_split_says_what_it_lacks(
    tmp_path: Path, images: dict[str, int], message: str
) -> None:
    with pytest.raises(InvalidConfig, match=f"dataset: .*{message}"):
        dataset_entry(f"folder:{fill(tmp_path, **images)}")


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfig, match=f"there is no folder {tmp_path}/none on this machine"):
        dataset_entry(f"folder:{tmp_path}/none")


def test_an_unknown_id_is_refused_with_those_there_are() -> None:
    with pytest.raises(InvalidConfig, match="'mnist' is not known; choose one of fashion-mnist"):
        dataset_entry("mnist")
