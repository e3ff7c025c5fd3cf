"""What the engine's tests share: one thread, and a toy task that a toy network learns."""

import pytest
import torch
from torch import nn

from engine.data.image_set import ImageSet
from tests.engine.toys import make_toy_images, make_toy_network


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    # With other processes on the cores two threads wait for each other many times over.
    torch.set_num_threads(1)


@pytest.fixture
def toy_images() -> ImageSet:
    """66 images of 8 px in two classes."""
    return make_toy_images(66)


@pytest.fixture
def toy_network() -> nn.Module:
    """A network for them."""
    return make_toy_network()
