"""Networks of the mobile spaces as plain layers, against their tables."""

import random

import pytest
import torch

from engine.catalog.spaces import SPACES
from engine.nn.describe import describe
from engine.nn.mobile_network import mobile_network
from engine.schema.architecture import Architecture, SearchSpace
from engine.schema.lowering import model_spec

MOBILE = [space for space in SPACES.values() if space.form == "mobile"]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("space", MOBILE, ids=lambda space: space.id)
def test_a_built_network_is_what_its_architecture_says(space: SearchSpace, seed: int) -> None:
    architecture = random_architecture(space, seed)
    network = mobile_network(architecture, generator=torch.Generator())

    spec = describe(network, model_id=space.id, input=space.input, classes=space.classes)

    assert spec == model_spec(architecture)


def test_first_weights_come_from_the_generator_alone() -> None:
    architecture = random_architecture(SPACES["tiny"], 0)
    ambient = torch.get_rng_state()

    first, second = (
        mobile_network(architecture, generator=torch.Generator().manual_seed(1)) for _ in range(2)
    )

    pairs = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    assert all(torch.equal(*pair) for pair in pairs)
    assert torch.equal(torch.get_rng_state(), ambient)


def test_a_convolution_starts_with_the_variance_of_its_fan_out() -> None:
    """2 / (k k out), groups not counted: Cai et al. 2019, `he_fout` of the released code."""
    network = mobile_network(random_architecture(SPACES["tiny"], 0), generator=torch.Generator())
    assert network.feature_mix_layer is not None

    weight = network.feature_mix_layer.conv.weight

    assert weight.std().item() == pytest.approx((2 / 240) ** 0.5, rel=0.03)


def random_architecture(space: SearchSpace, seed: int) -> Architecture:
    choose = random.Random(seed)
    choices = tuple(choose.randrange(len(block.ops)) for block in space.blocks)
    return Architecture(space=space, choices=choices)
