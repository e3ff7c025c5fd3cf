"""Streams of randomness that do not touch one another."""

import random

import numpy as np
import torch

from engine.training.seed import numpy_generator, seed_everything, stream_seed, torch_generator


def test_a_stream_is_its_names_and_the_seed() -> None:
    assert stream_seed(0, "epoch", 1) == stream_seed(0, "epoch", 1)
    assert len({stream_seed(s, n) for s in range(20) for n in ("a", "b")}) == 40


def test_streams_never_change_from_version_to_version() -> None:
    assert stream_seed(0, "epoch", 0) == 0x4386CFCA72B8B631


def test_generators_of_a_stream_repeat_themselves() -> None:
    assert torch.equal(
        torch.rand(3, generator=torch_generator(1, "x")),
        torch.rand(3, generator=torch_generator(1, "x")),
    )
    assert numpy_generator(1, "x").random() == numpy_generator(1, "x").random()
    assert numpy_generator(1, "x").random() != numpy_generator(1, "y").random()


def test_seeding_everything_fixes_the_ambient_generators() -> None:
    def draw() -> tuple[float, float, float]:
        return random.random(), np.random.rand(), torch.rand(()).item()

    seed_everything(3)
    first = draw()
    seed_everything(3)

    assert draw() == first
