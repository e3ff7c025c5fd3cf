"""Steps of the architecture parameters, against Cai et al. 2019, section 3.2.1."""

import pytest
import torch

from engine.proxyless.architecture_step import rescale
from engine.proxyless.gates.draw import GateMode, ZeroRule
from tests.engine.proxyless.toy_supernets import loss_of, tiny_supernet

FAR = 2.0  # a learning rate that moves probabilities a lot


def test_two_parameters_are_shifted_by_what_their_sum_gained() -> None:
    """Before (0.1, -0.2), after Adam (0.3, -0.1): shifted by 0.158660."""
    before_P = torch.tensor([5.0, 0.1, -0.2])
    alphas_P = torch.tensor([5.0, 0.3, -0.1])

    rescale(alphas_P, (1, 2), torch.logsumexp(before_P[1:], dim=0))

    assert alphas_P.tolist() == pytest.approx([5.0, 0.141340, -0.258660], abs=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_operations_not_drawn_keep_their_probability(seed: int) -> None:
    supernet = tiny_supernet()
    before = supernet.probabilities()
    optimizer = _adam(supernet)

    with supernet.architecture_step("two", torch.Generator().manual_seed(seed)) as step:
        loss_of(supernet).backward()
        step.apply(optimizer)

    for draw, before_P, after_P in zip(step.draws, before, supernet.probabilities(), strict=True):
        others = [place for place in range(len(before_P)) if place not in draw.drawn]
        pair = list(draw.drawn)
        torch.testing.assert_close(after_P[others], before_P[others])
        torch.testing.assert_close(after_P[pair].sum(), before_P[pair].sum())
        assert (after_P[pair] - before_P[pair]).abs().max() > 1e-3


@pytest.mark.parametrize("mode", ["full", "full_v2"])
def test_all_probabilities_count_in_the_hardware_term(mode: GateMode) -> None:
    supernet = tiny_supernet()

    with supernet.architecture_step(mode, torch.Generator().manual_seed(0)) as step:
        for expected_P, given_P in zip(supernet.probabilities(), step.probabilities(), strict=True):
            torch.testing.assert_close(given_P.detach(), expected_P)


def test_of_two_drawn_only_they_count_in_the_hardware_term() -> None:
    supernet = tiny_supernet()

    with supernet.architecture_step("two", torch.Generator().manual_seed(0)) as step:
        given = step.probabilities()

    for draw, probabilities_P, given_P in zip(
        step.draws, supernet.probabilities(), given, strict=True
    ):
        pair_2 = probabilities_P[list(draw.drawn)]
        torch.testing.assert_close(given_P.detach()[list(draw.drawn)], pair_2 / pair_2.sum())
        assert given_P.count_nonzero() == 2


@pytest.mark.parametrize(
    ("rule", "gets"), [("all", True), ("regulariser", True), ("none", False)], ids=str
)
def test_an_active_zero_gets_the_hardware_terms_gradient_unless_told_not_to(
    rule: ZeroRule, gets: bool
) -> None:
    """In the authors' code a block with Zero active learns nothing: an error was swallowed."""
    supernet = tiny_supernet()
    with torch.no_grad():
        supernet.mixed_ops[1].alphas[6] = 50.0  # Zero is active for certain

    with supernet.architecture_step(
        "full_v2", torch.Generator().manual_seed(0), zero_rule=rule
    ) as step:
        sum(each[0] for each in step.probabilities()).backward()

    assert step.active[1] == 6
    assert (supernet.mixed_ops[1].alphas.grad is not None) is gets
    assert supernet.mixed_ops[0].alphas.grad is not None


def test_both_terms_add_up_in_a_gradient() -> None:
    task, hardware, both = (_gradient(terms) for terms in ((1, 0), (0, 1), (1, 1)))

    torch.testing.assert_close(both, task + hardware)


def test_after_the_step_the_active_path_alone_is_computed() -> None:
    supernet = tiny_supernet()

    with supernet.architecture_step("full_v2", torch.Generator().manual_seed(0)):
        pass
    loss_of(supernet).backward()

    assert all(each.grad is None for each in supernet.architecture_parameters())
    assert supernet.get_parameter("body.first_conv.conv.weight").grad is not None


def _gradient(terms: tuple[int, int]) -> torch.Tensor:
    supernet = tiny_supernet()
    task, hardware = terms
    with supernet.architecture_step("two", torch.Generator().manual_seed(0)) as step:
        term = torch.stack([each[0] for each in step.probabilities()]).sum()
        (task * loss_of(supernet) + hardware * term).backward()
    gradient_P = supernet.mixed_ops[0].alphas.grad
    assert gradient_P is not None
    return gradient_P


def _adam(supernet: torch.nn.Module) -> torch.optim.Adam:
    parameters = supernet.architecture_parameters()  # type: ignore[operator]
    return torch.optim.Adam(parameters, lr=FAR, betas=(0.0, 0.999))
