"""Batches of images: seeded, resumable, augmented."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.data.image_set import ImageSet, Normalisation, flip_and_shift
from engine.data.memory import MemoryPixels
from engine.schema.layers import InputSpec

Batches = list[tuple[Tensor, Tensor]]


@pytest.fixture
def numbered() -> ImageSet:
    """21 images of 16 px, each filled with its own number, which is its label too."""
    pixels_NCHW = np.zeros((21, 1, 16, 16), dtype=np.uint8)
    pixels_NCHW += np.arange(21, dtype=np.uint8)[:, None, None, None]
    return ImageSet(
        MemoryPixels(pixels_NCHW, input=InputSpec(channels=1, size=16)),
        torch.arange(21),
        normalisation=Normalisation(mean=(0.0,), std=(1 / 255,)),
    )


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def are_equal(one: Batches, other: Batches) -> bool:
    return len(one) == len(other) and all(
        torch.equal(a[0], b[0]) and torch.equal(a[1], b[1]) for a, b in zip(one, other, strict=True)
    )


def test_the_first_images_are_always_the_same_ones(numbered: ImageSet) -> None:
    images_NCHW, labels_N = numbered.first(5)

    assert labels_N.tolist() == [0, 1, 2, 3, 4]
    assert images_NCHW.shape == (5, 1, 16, 16)
    assert torch.allclose(images_NCHW[:, 0, 0, 0], labels_N.float())


def test_more_images_than_there_are_gives_all(numbered: ImageSet) -> None:
    assert len(numbered.first(1000)[1]) == 21


def test_pixels_are_normalised_by_channel() -> None:
    normalisation = Normalisation(mean=(0.5, 0.2), std=(0.25, 0.1))
    pixels_NCHW = torch.tensor([255, 51], dtype=torch.uint8).view(1, 2, 1, 1)

    assert torch.allclose(
        normalisation.apply(pixels_NCHW).flatten(), torch.tensor([2.0, 0.0]), atol=1e-6
    )


@pytest.mark.parametrize("channels", [1, 3])
def test_images_have_their_channels_last_in_memory(channels: int) -> None:
    pixels_NCHW = torch.zeros(2, channels, 4, 5, dtype=torch.uint8)
    normalisation = Normalisation(mean=(0.5,) * channels, std=(0.5,) * channels)

    strides = normalisation.apply(pixels_NCHW).stride()

    # Of one channel both layouts are the same bytes, but convolutions choose by the strides.
    assert strides == (20 * channels, 1, 5 * channels, channels)


def test_an_unshuffled_pass_gives_every_image_once_in_order(numbered: ImageSet) -> None:
    batches = list(numbered.batches(10))

    assert torch.cat([labels_N for _, labels_N in batches]).tolist() == list(range(21))
    assert [len(labels_N) for _, labels_N in batches] == [10, 10, 1]


def test_a_shuffled_pass_gives_every_image_once_but_a_rest_of_one(numbered: ImageSet) -> None:
    batches = list(numbered.batches(10, generator=seeded()))

    seen = torch.cat([labels_N for _, labels_N in batches]).tolist()
    assert len(batches) == numbered.batch_count(10) == 2
    assert len(set(seen)) == 20
    assert seen != sorted(seen)


def test_a_rest_of_two_is_kept(numbered: ImageSet) -> None:
    batches = list(numbered.batches(19, generator=seeded()))

    assert [len(labels_N) for _, labels_N in batches] == [19, 2]


def test_a_limit_takes_the_first_images(numbered: ImageSet) -> None:
    batches = list(numbered.batches(4, generator=seeded(), limit=8))

    assert sorted(torch.cat([labels_N for _, labels_N in batches]).tolist()) == list(range(8))


@pytest.mark.parametrize("augment", [False, True])
def test_the_same_seed_gives_the_same_pass(numbered: ImageSet, augment: bool) -> None:
    one = list(numbered.batches(6, generator=seeded(), augment=augment))
    same = list(numbered.batches(6, generator=seeded(), augment=augment))
    other = list(numbered.batches(6, generator=seeded(1), augment=augment))

    assert are_equal(one, same)
    assert not are_equal(one, other)


@pytest.mark.parametrize("start", [0, 1, 2, 3, 4])
def test_a_pass_goes_on_from_any_batch_as_if_it_had_not_stopped(
    numbered: ImageSet, start: int
) -> None:
    whole = list(numbered.batches(6, generator=seeded(), augment=True))

    rest = list(numbered.batches(6, generator=seeded(), augment=True, start=start))

    assert are_equal(rest, whole[start:])


def test_an_unshuffled_pass_goes_on_too(numbered: ImageSet) -> None:
    assert are_equal(list(numbered.batches(6, start=2)), list(numbered.batches(6))[2:])


def test_augmenting_mirrors_and_shifts_as_written_out_plainly() -> None:
    pixels_NCHW = torch.randint(256, (40, 3, 16, 16), dtype=torch.uint8, generator=seeded())

    augmented_NCHW = flip_and_shift(pixels_NCHW, generator=seeded(7))

    draws = seeded(7)  # the same draws in the same order: top, left, mirrored
    top_N = torch.randint(5, (40, 1), generator=draws).flatten()
    left_N = torch.randint(5, (40, 1), generator=draws).flatten()
    mirrored_N = torch.randint(2, (40, 1), generator=draws, dtype=torch.bool).flatten()
    for image in range(40):
        canvas = torch.zeros(3, 20, 20, dtype=torch.uint8)
        canvas[:, 2:18, 2:18] = pixels_NCHW[image]
        cut = canvas[:, top_N[image] : top_N[image] + 16, left_N[image] : left_N[image] + 16]
        expected = cut.flip(2) if mirrored_N[image] else cut
        assert torch.equal(augmented_NCHW[image], expected)
    assert set(mirrored_N.tolist()) == {True, False}


def test_the_fingerprint_knows_pixels_and_labels() -> None:
    def make(change: Callable[[np.ndarray, Tensor], None]) -> str:
        pixels_NCHW, labels_N = np.zeros((3, 1, 4, 4), dtype=np.uint8), torch.arange(3)
        change(pixels_NCHW, labels_N)
        source = MemoryPixels(pixels_NCHW, input=InputSpec(channels=1, size=4))
        statistics = Normalisation(mean=(0.0,), std=(1.0,))
        return ImageSet(source, labels_N, normalisation=statistics).fingerprint

    same = make(lambda pixels, labels: None)

    assert make(lambda pixels, labels: None) == same
    assert make(lambda pixels, labels: pixels.__setitem__((0, 0, 0, 0), 1)) != same
    assert make(lambda pixels, labels: labels.__setitem__(0, 2)) != same
