"""Gradients of gates and architecture parameters, against Cai et al. 2019, eq. 4, written out."""

import itertools

import pytest
import torch
from torch import Tensor

from engine.proxyless.gates.binary_gate import binary_gates
from engine.proxyless.gates.draw import Draw, GateMode, ZeroRule, draw_gates, sample_active
from engine.proxyless.mixed_op import MixedOp
from engine.proxyless.supernet import SuperNet
from tests.engine.proxyless.toy_supernets import (
    loss_of,
    mixed_op,
    run_backward,
    tiny_supernet,
)

ALL = (0, 1, 2, 3)
ZERO = 3
PAIRS = list(itertools.combinations(ALL, 2))


def test_a_gate_gradient_moves_parameters_by_the_softmax() -> None:
    """alpha = (0, 0, 0), G = (1, 2, 3) gives (-1/3, 0, 1/3)."""
    alphas_P = torch.zeros(3, requires_grad=True)

    gates_P = binary_gates(alphas_P, Draw(mode="full", active=1, drawn=(0, 1, 2)))
    gates_P.backward(torch.tensor([1.0, 2.0, 3.0]))

    assert gates_P.tolist() == [0.0, 1.0, 0.0]
    assert alphas_P.grad is not None
    assert alphas_P.grad.tolist() == pytest.approx([-1 / 3, 0.0, 1 / 3])


@pytest.mark.parametrize("active", ALL)
@pytest.mark.parametrize("mode", ["full", "full_v2"])
def test_parameters_of_all_operations_get_the_definitions_gradient(
    mode: GateMode, active: int
) -> None:
    mixed = _with_draw(Draw(mode=mode, active=active, drawn=ALL))

    map_NCHW, _, by_output_NCHW = run_backward(mixed)

    _assert_gradient(mixed, map_NCHW, by_output_NCHW)


@pytest.mark.parametrize(("pair", "active"), [(pair, each) for pair in PAIRS for each in pair])
def test_parameters_of_two_operations_get_the_definitions_gradient(
    pair: tuple[int, int], active: int
) -> None:
    mixed = _with_draw(Draw(mode="two", active=active, drawn=pair))

    map_NCHW, _, by_output_NCHW = run_backward(mixed)

    _assert_gradient(mixed, map_NCHW, by_output_NCHW)


@pytest.mark.parametrize("active", ALL)
def test_the_output_and_the_maps_gradient_are_those_of_the_active_path(active: int) -> None:
    mixed = _with_draw(Draw(mode="full_v2", active=active, drawn=ALL))
    plain = mixed_op()
    plain.active = active

    map_NCHW, output_NCHW, _ = run_backward(mixed)
    plain_map_NCHW, plain_output_NCHW, _ = run_backward(plain)

    assert torch.equal(output_NCHW, plain_output_NCHW)
    assert torch.equal(map_NCHW.grad, plain_map_NCHW.grad)


@pytest.mark.parametrize("rule", ["regulariser", "none"])
def test_under_the_other_rules_an_active_zero_learns_nothing_from_the_task(
    rule: ZeroRule,
) -> None:
    mixed = _with_draw(Draw(mode="full_v2", active=ZERO, drawn=ALL))
    mixed.zero_rule = rule

    run_backward(mixed)

    assert mixed.alphas.grad is None


@pytest.mark.parametrize("shared", [True, False], ids=["shared", "private"])
def test_full_and_full_v2_are_equal_bit_for_bit(shared: bool) -> None:
    full, full_v2 = (_gradients(tiny_supernet(shared=shared), mode) for mode in _FULL)

    assert all(torch.equal(*pair) for pair in zip(full, full_v2, strict=True))
    assert all(gradient_P.count_nonzero() for gradient_P in full)


@pytest.mark.parametrize("mode", ["two", "full", "full_v2"])
def test_gradients_of_a_blocks_parameters_sum_to_zero(mode: GateMode) -> None:
    for gradient_P in _gradients(tiny_supernet(), mode):
        assert gradient_P.sum().item() == pytest.approx(0.0, abs=1e-6)


def test_operations_are_drawn_by_their_probability() -> None:
    alphas = [torch.tensor([0.1, 0.2, 0.7]).log(), torch.tensor([0.5, 0.5]).log()]
    generator = torch.Generator().manual_seed(0)

    draws = torch.tensor([sample_active(alphas, generator) for _ in range(3000)])

    shares = [[(draws[:, b] == p).float().mean().item() for p in range(n)] for b, n in _SIZES]
    assert shares[0] == pytest.approx([0.1, 0.2, 0.7], abs=0.03)
    assert shares[1] == pytest.approx([0.5, 0.5], abs=0.03)


def test_of_two_drawn_the_active_one_is_drawn_by_the_softmax_over_the_two() -> None:
    alphas = [torch.tensor([0.1, 0.2, 0.7]).log()]
    generator = torch.Generator().manual_seed(0)

    draws = [draw_gates(alphas, "two", generator)[0] for _ in range(4000)]

    of_pair = [draw for draw in draws if draw.drawn == (1, 2)]
    assert {draw.drawn for draw in draws} == {(0, 1), (0, 2), (1, 2)}
    assert all(draw.active in draw.drawn for draw in draws)
    share = sum(draw.active == 2 for draw in of_pair) / len(of_pair)
    assert share == pytest.approx(0.7 / 0.9, abs=0.03)


def test_a_settled_block_can_still_be_drawn_from() -> None:
    """The softmax of the others underflows; a pair has two operations all the same."""
    (draw,) = draw_gates([torch.tensor([0.0, 300.0, 0.0])], "two", torch.Generator())

    assert 1 in draw.drawn
    assert draw.active == 1


_FULL: tuple[GateMode, GateMode] = ("full", "full_v2")
_SIZES = ((0, 3), (1, 2))


def _with_draw(draw: Draw) -> MixedOp:
    mixed = mixed_op()
    mixed.draw, mixed.active = draw, draw.active
    return mixed


def _assert_gradient(mixed: MixedOp, map_NCHW: Tensor, by_output_NCHW: Tensor) -> None:
    """The double loop: d alpha_i = sum_j G_j p_j (1 if i = j else 0, less p_i)."""
    draw = mixed.draw
    assert draw is not None
    with torch.no_grad():
        gate_gradients = {
            place: float((by_output_NCHW * mixed.candidates[place](map_NCHW)).sum())
            for place in draw.drawn
        }
    weights = {place: mixed.alphas[place].exp().item() for place in draw.drawn}
    total = sum(weights.values())
    expected = [0.0] * len(ALL)
    for i in draw.drawn:
        for j in draw.drawn:
            p_i, p_j = weights[i] / total, weights[j] / total
            expected[i] += gate_gradients[j] * p_j * ((1.0 if i == j else 0.0) - p_i)
    assert mixed.alphas.grad is not None
    assert mixed.alphas.grad.tolist() == pytest.approx(expected, rel=1e-9, abs=1e-9)


def _gradients(supernet: SuperNet, mode: GateMode) -> list[Tensor]:
    generator = torch.Generator().manual_seed(1)
    with supernet.architecture_step(mode, generator):
        loss_of(supernet).backward()
    gradients = [each.grad for each in supernet.architecture_parameters()]
    assert all(each is not None for each in gradients)
    return gradients


def test_all_paths_are_the_sum_over_candidates() -> None:
    mixed, map_NCHW = mixed_op(), torch.ones(1, 4, 6, 6, dtype=torch.float64)
    outputs = [candidate(map_NCHW) for candidate in mixed.candidates]
    probabilities_P = torch.softmax(mixed.alphas, dim=0)

    mixed.all_paths = "sum"
    torch.testing.assert_close(mixed(map_NCHW), map_NCHW + sum(outputs))
    mixed.all_paths = "weighted"
    weighted = [p * each for p, each in zip(probabilities_P, outputs, strict=True)]
    torch.testing.assert_close(mixed(map_NCHW), map_NCHW + sum(weighted))
