"""The data protocol of Fashion-MNIST: the same images everywhere, none in two splits."""

import gzip
import hashlib
from pathlib import Path

import numpy as np
import pytest

from engine.data.fashion_mnist import (
    BUILT_IN,
    DEBIAN_FOLDER,
    RawSplit,
    built_in_splits,
    full_splits,
    load_fashion_mnist,
    train_and_search_indices,
)
from engine.data.make_fashion_mnist import make_part
from engine.schema.errors import InvalidConfig
from engine.schema.results import Split

NOWHERE = Path("/nonexistent")


@pytest.fixture(scope="session")
def official(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder in torchvision's layout whose images carry their own number."""
    root = tmp_path_factory.mktemp("data")
    folder = root / "FashionMNIST" / "raw"
    folder.mkdir(parents=True)
    for part, count in (("train", 60_000), ("t10k", 10_000)):
        images_NP = np.zeros((count, 784), dtype=np.uint8)
        images_NP[:, 0], images_NP[:, 1] = np.divmod(np.arange(count), 256)
        labels_N = (np.arange(count) % 10).astype(np.uint8)
        (folder / f"{part}-images-idx3-ubyte").write_bytes(bytes(16) + images_NP.tobytes())
        (folder / f"{part}-labels-idx1-ubyte.gz").write_bytes(
            gzip.compress(bytes(8) + labels_N.tobytes(), compresslevel=1)
        )
    return root


def numbers(split: RawSplit) -> np.ndarray:
    """The places in the official file that the images themselves tell."""
    return split.images[:, 0, 0].astype(int) * 256 + split.images[:, 0, 1]


def test_the_permutation_never_changes() -> None:
    train_N, search_N = train_and_search_indices()

    joined = np.concatenate([train_N, search_N]).astype("<i8")
    assert (len(train_N), len(search_N)) == (50_000, 5_000)
    assert len(np.unique(joined)) == 55_000
    assert hashlib.sha256(joined.tobytes()).hexdigest().startswith("06181c7cf681648a")


def test_a_full_set_is_split_as_the_permutation_says(official: Path) -> None:
    splits, note = load_fashion_mnist(official, system_folder=NOWHERE)

    train_N, search_N = train_and_search_indices()
    assert np.array_equal(numbers(splits["train"]), train_N)
    assert np.array_equal(numbers(splits["search"]), search_N)
    assert np.array_equal(numbers(splits["report"]), np.arange(10_000))
    assert np.array_equal(splits["train"].labels, train_N % 10)
    assert "50,000 images to train, 5,000 to search, 10,000 to report" in note
    assert str(official) in note


def test_without_a_full_set_the_built_in_part_is_used_and_named() -> None:
    splits, note = load_fashion_mnist(NOWHERE, system_folder=NOWHERE)

    assert {name: len(split.labels) for name, split in splits.items()} == {
        "train": 10_000,
        "search": 2_000,
        "report": 6_000,
    }
    assert note == (
        "Built-in part of Fashion-MNIST: 10,000 images to train, 2,000 to search, 6,000 to report."
    )


def test_the_built_in_part_holds_the_first_images_of_each_split() -> None:
    splits = built_in_splits()

    train_N, search_N = train_and_search_indices()
    assert np.array_equal(splits["train"].indices, train_N[:10_000])
    assert np.array_equal(splits["search"].indices, search_N[:2_000])
    assert np.array_equal(splits["report"].indices, np.arange(6_000))


def test_no_image_of_the_built_in_part_is_in_two_splits() -> None:
    splits = built_in_splits()
    images = {name: {image.tobytes() for image in split.images} for name, split in splits.items()}

    assert not images["train"] & images["search"]
    assert not images["train"] & images["report"]
    assert not images["search"] & images["report"]


@pytest.mark.parametrize("name", ["train", "search", "report"])
def test_every_class_has_its_share(name: Split) -> None:
    counts = np.bincount(built_in_splits()[name].labels, minlength=10)

    assert counts.min() > 0.08 * counts.sum()


def test_the_built_in_file_is_small_and_carries_its_licence() -> None:
    assert BUILT_IN.stat().st_size <= 10_000_000
    licence = (BUILT_IN.parent / "LICENSE").read_text()
    assert "The MIT License" in licence
    assert "Zalando SE" in licence


def test_making_the_part_takes_the_first_images_of_each_split(
    official: Path, tmp_path: Path
) -> None:
    make_part(official / "FashionMNIST" / "raw", tmp_path / "part.npz")

    with np.load(tmp_path / "part.npz") as part, np.load(BUILT_IN) as shipped:
        assert sorted(part) == sorted(shipped)
        for name in ("train_indices", "search_indices", "report_indices"):
            assert np.array_equal(part[name], shipped[name])
        assert np.array_equal(part["train_images"][:, 0, 1], part["train_indices"] % 256)


@pytest.mark.skipif(not DEBIAN_FOLDER.is_dir(), reason="needs Debian's dataset-fashion-mnist")
def test_the_built_in_part_is_part_of_debians_full_set() -> None:
    full, part = full_splits(DEBIAN_FOLDER), built_in_splits()

    for name, split in part.items():
        count = len(split.labels)
        assert np.array_equal(split.images, full[name].images[:count])
        assert np.array_equal(split.labels, full[name].labels[:count])


def test_the_data_folder_goes_before_the_systems(official: Path) -> None:
    _, note = load_fashion_mnist(official, system_folder=DEBIAN_FOLDER)

    assert str(official) in note


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("train-labels-idx1-ubyte", b"short", r"train-labels-idx1-ubyte holds 5 bytes, expected"),
        ("train-labels-idx1-ubyte.gz", b"no gzip", r"ubyte.gz cannot be read \(Not a gzipped"),
        ("other", b"", r"lacks Fashion-MNIST's train labels; fetch the set again"),
    ],
)
def test_a_full_set_that_is_damaged_is_named_and_not_passed_over(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    folder = tmp_path / "FashionMNIST" / "raw"
    folder.mkdir(parents=True)
    (folder / "train-images-idx3-ubyte").write_bytes(bytes(16 + 60_000 * 784))
    (folder / name).write_bytes(content)

    with pytest.raises(InvalidConfig, match=f"dataset: .*{message}"):
        load_fashion_mnist(tmp_path, system_folder=NOWHERE)
