"""CIFAR-10 out of the data folder; the files here are made up in the official layout."""

import hashlib
import pickle
from pathlib import Path

import numpy as np
import pytest
from torchvision.datasets import CIFAR10

from engine.data.cifar10 import load_cifar10
from engine.schema.errors import InvalidConfig

IMAGES_A_BATCH = 20


@pytest.fixture
def official(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Five training batches and a test batch of images whose first pixel is their number."""
    folder = tmp_path / CIFAR10.base_folder
    folder.mkdir()
    for listed in ("train_list", "test_list"):
        entries = []
        for number, (name, _) in enumerate(getattr(CIFAR10, listed)):
            data = np.zeros((IMAGES_A_BATCH, 3072), dtype=np.uint8)
            data[:, 0] = np.arange(IMAGES_A_BATCH) + number * IMAGES_A_BATCH
            labels = [int(first) % 10 for first in data[:, 0]]
            entries.append([name, _write(folder / name, {"data": data, "labels": labels})])
        monkeypatch.setattr(CIFAR10, listed, entries)
    meta = {"label_names": [str(label) for label in range(10)]}
    digest = _write(folder / CIFAR10.meta["filename"], meta)
    monkeypatch.setattr(CIFAR10, "meta", {**CIFAR10.meta, "md5": digest})
    return tmp_path


def _write(path: Path, content: object) -> str:
    path.write_bytes(pickle.dumps(content))
    return hashlib.md5(path.read_bytes()).hexdigest()


def test_nine_tenths_train_one_tenth_searches_the_official_test_images_report(
    official: Path,
) -> None:
    splits = load_cifar10(official)

    firsts = {name: images[:, 0, 0, 0].tolist() for name, (images, _) in splits.items()}
    assert (len(firsts["train"]), len(firsts["search"]), len(firsts["report"])) == (90, 10, 20)
    assert sorted(firsts["train"] + firsts["search"]) == list(range(100))
    assert firsts["report"] == list(range(20))
    for name, (images, labels) in splits.items():
        assert images.shape[1:] == (3, 32, 32)
        assert [first % 10 for first in firsts[name]] == labels.tolist()


def test_the_split_is_the_same_every_time(official: Path) -> None:
    one, other = load_cifar10(official), load_cifar10(official)

    assert np.array_equal(one["search"][0], other["search"][0])


def test_absent_data_say_where_to_put_them(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfig, match=rf"dataset: .*{tmp_path}/cifar-10-batches-py.*unpack"):
        load_cifar10(tmp_path)


def test_a_damaged_batch_is_not_read(official: Path) -> None:
    (official / CIFAR10.base_folder / "data_batch_3").write_bytes(b"something else")

    with pytest.raises(InvalidConfig, match="or is damaged"):
        load_cifar10(official)
