"""Pixels that are kept ready are the same pixels."""

import pytest
import torch

from engine.data.held import held
from engine.data.image_set import ImageSet
from tests.engine.toys import make_toy_images

CPU = torch.device("cpu")


def batches(images: ImageSet, *, limit: int | None = None) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    return [
        batch for batch, _ in images.batches(16, generator=generator, augment=True, limit=limit)
    ]


def test_held_images_give_the_same_batches() -> None:
    images = make_toy_images(40)

    assert all(map(torch.equal, batches(images), batches(held(images, CPU))))


def test_only_the_first_images_are_held() -> None:
    images = make_toy_images(40)
    few = held(images, CPU, limit=24)

    assert len(few) == 24
    assert torch.equal(few.labels_N, images.labels_N[:24])
    assert all(map(torch.equal, batches(few), batches(images, limit=24)))


def test_what_takes_too_much_memory_stays_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    images = make_toy_images(40)
    monkeypatch.setattr("engine.data.held._MOST_BYTES", 10)

    assert held(images, CPU) is images
