"""Cluttered Fashion-MNIST: the same images everywhere, and none in two splits."""

import hashlib
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
import torch

from engine.catalog.datasets import DATASETS
from engine.data.cluttered import CANVAS, DONORS, ClutteredPixels, cluttered, scaled
from engine.data.fashion_mnist import RawSplit, built_in_splits
from engine.schema.layers import InputSpec
from engine.schema.results import Split

GREY_48 = InputSpec(channels=1, size=48)


@pytest.fixture(scope="module")
def raw() -> dict[Split, RawSplit]:
    return built_in_splits()


@pytest.mark.parametrize(
    ("split", "expected"),
    [
        ("train", "e1334ccb8d09d900"),
        ("search", "eefc845112ad7689"),
        ("report", "fb6754dbe32f97c6"),
    ],
)
def test_the_first_images_are_the_same_on_every_machine(
    raw: dict[Split, RawSplit], split: Split, expected: str
) -> None:
    first_NCHW = ClutteredPixels(raw[split], split, input=GREY_48).at(torch.arange(8))

    assert hashlib.sha256(first_NCHW.numpy().tobytes()).hexdigest()[:16] == expected


def test_an_image_is_the_same_whoever_asks_and_in_whatever_order(
    raw: dict[Split, RawSplit],
) -> None:
    pixels = ClutteredPixels(raw["train"], "train", input=GREY_48)
    backwards_NCHW = pixels.at(torch.tensor([7, 3, 7, 0]))

    forwards_NCHW = ClutteredPixels(raw["train"], "train", input=GREY_48).at(torch.arange(8))

    assert torch.equal(backwards_NCHW, forwards_NCHW[[7, 3, 7, 0]])
    assert torch.equal(pixels.at(torch.tensor([3])), forwards_NCHW[3:4])


def test_a_larger_set_begins_with_the_same_images(raw: dict[Split, RawSplit]) -> None:
    """As the full set does, whose first images are those of the built-in part."""
    part = raw["search"]
    more = raw["train"]
    full = RawSplit(
        images=np.concatenate([part.images, more.images]),
        labels=np.concatenate([part.labels, more.labels]),
        indices=np.concatenate([part.indices, more.indices]),
    )

    assert len(part.labels) == DONORS["search"]
    for place in (0, 1, 1999):
        assert np.array_equal(cluttered(full, "search", place), cluttered(part, "search", place))


def test_the_built_in_part_holds_every_donor(raw: dict[Split, RawSplit]) -> None:
    assert {name: len(split.labels) for name, split in raw.items()} == dict(DONORS)


def test_no_official_image_is_in_two_splits(raw: dict[Split, RawSplit]) -> None:
    """Fragments come from the split of their image, so that this holds of them too."""
    assert not set(raw["train"].indices) & set(raw["search"].indices)
    images = {name: {image.tobytes() for image in split.images} for name, split in raw.items()}
    # A few photographs stand twice in the official files; none is shared by many.
    for one, other in combinations(images.values(), 2):
        assert len(one & other) <= 3


def test_the_same_place_of_another_split_is_laid_out_otherwise(
    raw: dict[Split, RawSplit],
) -> None:
    as_train = replace(raw["report"], indices=raw["report"].indices.copy())

    one = cluttered(raw["report"], "report", 5)
    other = cluttered(as_train, "train", 5)

    assert not np.array_equal(one, other)


def test_objects_and_fragments_keep_to_their_sizes() -> None:
    """A white object among black images leaves a square of 17 to 34 px and nothing else."""
    images = np.zeros((200, 28, 28), dtype=np.uint8)
    sides = []
    for place in range(100):
        one = images.copy()
        one[place] = 255
        split = RawSplit(images=one, labels=np.zeros(200, np.int64), indices=np.arange(200))
        rows, columns = np.nonzero(cluttered(split, "train", place))
        sides.append((np.ptp(rows) + 1, np.ptp(columns) + 1))

    assert all(height == width for height, width in sides)
    assert 17 <= min(sides)[0] <= 18
    assert 32 <= max(sides)[0] <= 34


def test_every_image_has_four_to_eight_fragments() -> None:
    images = np.full((200, 28, 28), 1, dtype=np.uint8)  # fragments of ones
    areas = []
    for place in range(60):
        one = images.copy()
        one[place] = 0
        split = RawSplit(images=one, labels=np.zeros(200, np.int64), indices=np.arange(200))
        areas.append(int(cluttered(split, "train", place).sum()))

    assert min(areas) > 64  # more than one of the smallest, even where they overlap
    assert max(areas) <= 8 * 12**2
    assert len(set(areas)) > 30


def test_scaling_keeps_brightness_and_its_own_size() -> None:
    white = np.full((28, 28), 255, dtype=np.uint8)
    grey = np.full((28, 28), 90, dtype=np.uint8)
    picture = built_in_splits()["train"].images[0]

    for side in (17, 24, 34):
        assert scaled(white, side).shape == (side, side)
        assert scaled(white, side).min() >= 254
        assert abs(int(scaled(grey, side).mean()) - 90) <= 1
    assert np.array_equal(scaled(picture, 28), picture)


def test_statistics_are_those_of_the_train_images(raw: dict[Split, RawSplit]) -> None:
    entry = DATASETS["cluttered-fashion-mnist"]

    some = ClutteredPixels(raw["train"], "train", input=GREY_48).at(torch.arange(1500)) / 255

    assert entry.size == CANVAS
    assert float(some.mean()) == pytest.approx(entry.mean[0], abs=0.005)
    assert float(some.std()) == pytest.approx(entry.std[0], abs=0.005)


def test_other_images_have_another_fingerprint(raw: dict[Split, RawSplit]) -> None:
    search = raw["search"]
    fewer = RawSplit(
        images=search.images[:100], labels=search.labels[:100], indices=search.indices[:100]
    )
    pixels = ClutteredPixels(search, "search", input=GREY_48)

    assert pixels.fingerprint() == ClutteredPixels(search, "search", input=GREY_48).fingerprint()
    assert pixels.fingerprint() != ClutteredPixels(fewer, "search", input=GREY_48).fingerprint()
    assert pixels.fingerprint() != ClutteredPixels(search, "report", input=GREY_48).fingerprint()


def test_a_network_gets_its_own_size_and_channels(raw: dict[Split, RawSplit]) -> None:
    colour = ClutteredPixels(raw["report"], "report", input=InputSpec(channels=3, size=96))

    images_NCHW = colour.at(torch.tensor([0, 1]))

    assert images_NCHW.shape == (2, 3, 96, 96)
    assert torch.equal(images_NCHW[:, 0], images_NCHW[:, 2])
