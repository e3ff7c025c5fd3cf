"""The supernet: what is drawn, what learns, what it turns into."""

import copy
from math import log

import pytest
import torch
from torch import Tensor, nn

from engine.catalog.spaces import SPACES, space_entry
from engine.nn.describe import describe
from engine.proxyless.gates.draw import GateMode
from engine.proxyless.mixed_op import MixedOp
from engine.proxyless.supernet import SuperNet
from engine.schema.lowering import model_spec
from tests.engine.proxyless.toy_supernets import batch, loss_of, tiny_supernet

SHARING = pytest.mark.parametrize("shared", [True, False], ids=["shared", "private"])
MODES = pytest.mark.parametrize("mode", ["two", "full_v2"])


def test_the_default_space_has_its_parameters() -> None:
    """21 vectors, 141 parameters, 16,034,168 weights: counted in the authors' supernet."""
    supernet = SuperNet(space_entry("mobile-24"), generator=torch.Generator(), shared=False)

    sizes = [len(alphas_P) for alphas_P in supernet.architecture_parameters()]

    assert sizes == [6, 7, 7, 7] * 5 + [6]
    assert sum(weight.numel() for weight in supernet.weight_parameters()) == 16_034_168


def test_uniform_probabilities_have_the_entropy_of_their_numbers() -> None:
    """(6 ln 6 + 15 ln 7) / 21 = 1.9019 nats per block."""
    supernet = SuperNet(space_entry("mobile-24"), generator=torch.Generator(), alpha_scale=0.0)

    assert supernet.entropy() == pytest.approx((6 * log(6) + 15 * log(7)) / 21, abs=1e-6)
    assert supernet.entropy() == pytest.approx(1.9019, abs=5e-5)


def test_weights_and_architecture_parameters_are_parted() -> None:
    supernet = tiny_supernet()
    weights = {id(each) for each in supernet.weight_parameters()}
    alphas = {id(each) for each in supernet.architecture_parameters()}

    assert not weights & alphas
    assert weights | alphas == {id(each) for each in supernet.parameters()}


@SHARING
def test_what_was_not_sampled_neither_decays_nor_gains_momentum(shared: bool) -> None:
    supernet = tiny_supernet(shared=shared)
    optimizer = torch.optim.SGD(
        supernet.weight_parameters(), lr=0.1, momentum=0.9, weight_decay=0.1
    )
    before = copy.deepcopy(supernet.state_dict())
    supernet.activate((0, 6, 0, 0, 0, 0))

    for _ in range(2):
        optimizer.zero_grad()
        loss_of(supernet).backward()
        optimizer.step()

    changed = {
        name
        for name, value in supernet.state_dict().items()
        if not torch.equal(value, before[name])
    }
    idle = {
        name
        for name in before
        if name.startswith("body.blocks.1.") or ".candidates.1." in name or "alphas" in name
    }
    assert idle
    assert not changed & idle
    assert any(name.startswith("body.blocks.0.") for name in changed)


@MODES
@SHARING
def test_an_architecture_step_moves_architecture_parameters_alone(
    shared: bool, mode: GateMode
) -> None:
    supernet = tiny_supernet(shared=shared)
    before = copy.deepcopy(supernet.state_dict())
    optimizer = torch.optim.Adam(supernet.architecture_parameters(), lr=0.1, betas=(0.0, 0.999))

    with supernet.architecture_step(mode, torch.Generator().manual_seed(2)) as step:
        loss_of(supernet).backward()
        step.apply(optimizer)

    changed = {
        name
        for name, value in supernet.state_dict().items()
        if not torch.equal(value, before[name])
    }
    assert changed == {name for name in before if name.endswith("alphas")}
    assert all(weight.grad is None for weight in supernet.weight_parameters())
    assert all(weight.requires_grad for weight in supernet.weight_parameters())


def test_frozen_statistics_move_again_afterwards() -> None:
    supernet = tiny_supernet()
    running_mean_C = supernet.get_submodule("body.first_conv.bn").running_mean
    assert isinstance(running_mean_C, Tensor)
    before_C = running_mean_C.clone()

    with supernet.frozen_statistics():
        loss_of(supernet)
    frozen_C = running_mean_C.clone()
    loss_of(supernet)

    assert torch.equal(frozen_C, before_C)
    assert not torch.equal(running_mean_C, before_C)


def test_two_supernets_in_one_process_do_not_touch_each_other() -> None:
    alone, first, second = tiny_supernet(), tiny_supernet(), tiny_supernet(seed=1)

    expected = _searched(iter([alone] * 3))
    together = _searched(iter([first, second, first, second, first]), watched=first)

    assert all(torch.equal(*pair) for pair in zip(expected, together, strict=True))


def test_a_draw_leaves_the_ambient_generator_alone() -> None:
    ambient = torch.get_rng_state()
    supernet = tiny_supernet()

    supernet.inherit(supernet.sample(torch.Generator()))
    supernet.plain(supernet.active, torch.Generator())

    assert torch.equal(torch.get_rng_state(), ambient)


def test_the_probability_of_a_path_is_the_product_of_its_choices() -> None:
    supernet = tiny_supernet()
    choices = supernet.sample(torch.Generator().manual_seed(0))

    log_probability = supernet.log_probability(choices)
    log_probability.backward()

    product = 1.0
    for probabilities_P, choice in zip(supernet.probabilities(), choices, strict=True):
        product *= probabilities_P[choice].item()
    assert log_probability.item() == pytest.approx(log(product), rel=1e-5)
    assert all(each.grad is not None for each in supernet.architecture_parameters())


@SHARING
@pytest.mark.parametrize("seed", range(3))
def test_an_inherited_network_computes_what_its_path_does(shared: bool, seed: int) -> None:
    supernet = tiny_supernet(shared=shared)
    generator = torch.Generator().manual_seed(seed)
    for _ in range(2):  # so that running statistics are not those of the start
        supernet.sample(generator)
        loss_of(supernet)
    choices = supernet.sample(generator)
    network = supernet.inherit(choices).eval()

    images_NCHW, _ = batch()

    torch.testing.assert_close(network(images_NCHW), supernet.eval()(images_NCHW))


@pytest.mark.parametrize(
    "space_id", sorted(key for key, space in SPACES.items() if space.form == "mobile")
)
def test_every_space_has_a_supernet_whose_paths_are_its_architectures(space_id: str) -> None:
    space = space_entry(space_id)
    supernet = SuperNet(space, generator=torch.Generator().manual_seed(0))
    choices = supernet.sample(torch.Generator().manual_seed(1))

    network = supernet.inherit(choices)

    spec = describe(network, model_id=space.id, input=space.input, classes=space.classes)
    assert spec == model_spec(supernet.architecture(choices))
    assert len(choices) == len(space.decisions)
    assert len(supernet.probabilities()) == len(space.decisions)


def test_a_part_may_hold_mixed_operations_of_its_own() -> None:
    """What a cell of several edges needs: all are found, in forward order."""
    cell = nn.Sequential(*(MixedOp([nn.Identity(), nn.ReLU()]) for _ in range(12)))

    assert sum(isinstance(each, MixedOp) for each in cell.modules()) == 12
    assert torch.equal(cell(torch.ones(1, 2, 3, 3)), torch.ones(1, 2, 3, 3))


def _searched(turns, *, watched: SuperNet | None = None) -> list[Tensor]:  # type: ignore[no-untyped-def]
    generators: dict[int, torch.Generator] = {}
    supernet = watched
    for supernet in turns:
        generator = generators.setdefault(id(supernet), torch.Generator().manual_seed(0))
        optimizer = torch.optim.SGD(supernet.architecture_parameters(), lr=1.0)
        with supernet.architecture_step("two", generator) as step:
            loss_of(supernet).backward()
            step.apply(optimizer)
        supernet.sample(generator)
        loss_of(supernet).backward()
    assert supernet is not None
    return [each.detach() for each in (watched or supernet).parameters()]
