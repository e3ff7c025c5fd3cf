"""Image folders: split by name, decoded with care."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from engine.catalog.datasets import dataset_entry
from engine.data.image_folder import NO_LABEL, FolderPixels, decode, split_folder
from engine.data.splits import load_splits
from engine.schema.errors import InvalidConfig
from engine.schema.layers import InputSpec

COLOUR_16 = InputSpec(channels=3, size=16)


def write_image(path: Path, colour: tuple[int, int, int], size: tuple[int, int] = (20, 24)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twenty red cats and thirteen blue dogs."""
    root = tmp_path / "pets"
    for number in range(20):
        write_image(root / "cats" / f"{number:02}.png", (200 + number, 0, 0))
    for number in range(13):
        write_image(root / "dogs" / f"{number:02}.jpg", (0, 0, 200))
    (root / "dogs" / "notes.txt").write_text("no image")
    return root


def test_every_class_is_split_seventy_fifteen_fifteen(folder: Path) -> None:
    splits = split_folder(folder)

    counts = {
        name: [sum(label == wanted for _, label in labelled) for wanted in (0, 1)]
        for name, labelled in splits.items()
    }
    assert counts == {"train": [14, 9], "search": [3, 2], "report": [3, 2]}
    assert len(splits["search"]) == dataset_entry(f"folder:{folder}").search_images
    paths = [path for labelled in splits.values() for path, _ in labelled]
    assert len(set(paths)) == len(paths) == 33


def test_images_without_labels_are_split_in_thirds(tmp_path: Path) -> None:
    for number in range(50):
        write_image(tmp_path / "photos" / f"{number:02}.png", (number, 0, 0))

    splits = split_folder(tmp_path / "photos")

    assert {name: len(labelled) for name, labelled in splits.items()} == {
        "train": 17,
        "search": 17,
        "report": 16,
    }
    assert dataset_entry(f"folder:{tmp_path / 'photos'}").search_images == len(splits["search"])
    assert len({path for labelled in splits.values() for path, _ in labelled}) == 50
    assert {label for labelled in splits.values() for _, label in labelled} == {NO_LABEL}


def test_the_split_depends_on_the_names_alone(folder: Path) -> None:
    before = split_folder(folder)

    for path in folder.glob("*/*.*"):
        path.touch()

    assert split_folder(folder) == before


def test_classes_are_mixed_within_a_split(folder: Path) -> None:
    labels = [label for _, label in split_folder(folder)["train"]]

    assert labels != sorted(labels)


def test_splits_of_a_folder_have_its_classes_and_labels(folder: Path) -> None:
    splits = load_splits(f"folder:{folder}", input=COLOUR_16, data_root=folder)

    images_NCHW, labels_N = splits.train.first(50)
    red_is_stronger_N = images_NCHW[:, 0].mean((1, 2)) > images_NCHW[:, 2].mean((1, 2))
    assert splits.classes == 2
    assert splits.notes == (f"Images of {folder}: 23 to train, 5 to search, 5 to report.",)
    assert images_NCHW.shape == (23, 3, 16, 16)
    assert torch.equal(red_is_stronger_N, labels_N == 0)


def test_decoding_one_by_one_gives_what_decoding_at_once_gives(folder: Path) -> None:
    paths = sorted(folder.glob("cats/*"))
    indices_N = torch.tensor([3, 0, 19])

    at_once = FolderPixels(paths, input=COLOUR_16, cached=True)
    one_by_one = FolderPixels(paths, input=COLOUR_16, cached=False)

    assert torch.equal(at_once.at(indices_N), one_by_one.at(indices_N))
    assert at_once.fingerprint() == one_by_one.fingerprint()


def test_the_fingerprint_follows_a_changed_file(folder: Path) -> None:
    paths = sorted(folder.glob("cats/*"))
    pixels = FolderPixels(paths, input=COLOUR_16, cached=False)
    before = pixels.fingerprint()

    write_image(paths[0], (0, 255, 0), size=(64, 64))

    assert pixels.fingerprint() != before


@pytest.mark.parametrize(
    ("size", "kept"), [(32, 120), (64, 105)], ids=["a small input sees all", "a larger one 7/8"]
)
def test_the_centre_is_cut_out(tmp_path: Path, size: int, kept: int) -> None:
    pixels_HWC = np.zeros((120, 200, 3), dtype=np.uint8)
    edge = (120 - kept) // 2
    pixels_HWC[edge : 120 - edge, 40 + edge : 160 - edge] = 255
    Image.fromarray(pixels_HWC).save(tmp_path / "image.png")

    cut_HWC = decode(tmp_path / "image.png", input=InputSpec(channels=3, size=size))

    assert cut_HWC.shape == (size, size, 3)
    assert cut_HWC[1:-1, 1:-1].min() > 240


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "CMYK", "1"])
def test_every_kind_of_picture_becomes_colour(tmp_path: Path, mode: str) -> None:
    suffix = "jpg" if mode == "CMYK" else "png"
    Image.new(mode, (20, 20)).save(tmp_path / f"image.{suffix}")

    assert decode(tmp_path / f"image.{suffix}", input=COLOUR_16).shape == (16, 16, 3)


def test_a_grey_input_gets_grey_images(tmp_path: Path) -> None:
    write_image(tmp_path / "image.png", (255, 255, 255))

    grey = decode(tmp_path / "image.png", input=InputSpec(channels=1, size=16))

    assert grey.shape == (16, 16, 1)
    assert grey.min() == 255


def _no_image(path: Path) -> None:
    path.write_bytes(b"this is not an image")


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _cut_short(path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (60, 60, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[:2000])


def _bomb(path: Path) -> None:
    Image.new("1", (20_000, 20_000)).save(path)


@pytest.mark.parametrize("damage", [_no_image, _empty, _cut_short, _bomb])
def test_a_corrupt_image_is_named_before_anything_runs(folder: Path, damage) -> None:
    damage(folder / "cats" / "07.png")

    with pytest.raises(InvalidConfig, match=r"dataset: .*cats/07.png cannot be read as an image"):
        load_splits(f"folder:{folder}", input=COLOUR_16, data_root=folder)


def test_a_large_folder_is_looked_at_by_header(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.data.image_folder.CACHE_BYTES", 0)
    _no_image(folder / "cats" / "07.png")

    with pytest.raises(InvalidConfig, match="replace or remove it"):
        load_splits(f"folder:{folder}", input=COLOUR_16, data_root=folder)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        ({}, "has 0 class folders"),
        ({"cats": 20}, "has 1 class folders"),
        ({"cats": 20, "dogs": 1}, "class 'dogs' has 1 images"),
    ],
)
def test_a_folder_that_cannot_be_split_says_what_it_lacks(
    tmp_path: Path, images: dict[str, int], message: str
) -> None:
    root = tmp_path / "pets"
    root.mkdir()
    for name, count in images.items():
        for number in range(count):
            write_image(root / name / f"{number}.png", (0, 0, 0))

    with pytest.raises(InvalidConfig, match=f"dataset: .*{message}"):
        load_splits(f"folder:{root}", input=COLOUR_16, data_root=tmp_path)
