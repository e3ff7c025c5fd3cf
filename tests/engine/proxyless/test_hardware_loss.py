"""Hardware terms against their definitions and the vectors of the released code."""

import math

import pytest
import torch
from torch import Tensor

from engine.proxyless.hardware_loss import AddLinear, Dual, Hinge, MulLog, NoTerm, hardware_term
from engine.schema.cost import Budget
from engine.schema.errors import InvalidConfig
from tests.engine.proxyless.toy_search import search_config

CROSS_ENTROPY = torch.tensor(2.0)


def shares(*values: float) -> list[Tensor]:
    return [torch.tensor(value, requires_grad=True) for value in values]


def test_the_released_forms_at_their_constants() -> None:
    over = shares(100 / 80)

    assert MulLog([80.0]).loss(CROSS_ENTROPY, over).item() == pytest.approx(0.40600, abs=1e-5)
    assert AddLinear().loss(CROSS_ENTROPY, over).item() == pytest.approx(2.0250)
    assert MulLog([80.0]).reward(0.6, [100 / 80], [1.0]) == pytest.approx(0.58676, abs=1e-5)


def test_their_gradients_are_the_derivatives() -> None:
    (by_log,) = shares(1.25)
    MulLog([80.0]).loss(CROSS_ENTROPY, [by_log]).backward()
    (by_line,) = shares(1.25)
    AddLinear(0.1).loss(CROSS_ENTROPY, [by_line]).backward()

    # d/dE of alpha CE (log E / log R)^beta, times R for the share.
    ratio = math.log(100) / math.log(80)
    by_cost = 0.2 * 2 * 0.3 * ratio ** (0.3 - 1) / (100 * math.log(80))
    assert by_log.grad is not None
    assert by_log.grad.item() == pytest.approx(by_cost * 80, rel=1e-5)
    assert by_line.grad is not None
    assert by_line.grad.item() == pytest.approx(0.1)


def test_a_hinge_rests_within_the_budget() -> None:
    under, over = shares(0.7, 1.5)

    loss = Hinge(2.0).loss(CROSS_ENTROPY, [under, over])
    loss.backward()

    assert loss.item() == pytest.approx(2 + 2 * 0.5)
    assert (under.grad.item(), over.grad.item()) == (0.0, 2.0)  # type: ignore[union-attr]
    assert Hinge(2.0).reward(0.5, [0.7], [1.2]) == 0.5


def test_no_term_leaves_the_task_alone() -> None:
    assert NoTerm().loss(CROSS_ENTROPY, shares(9.0)) is CROSS_ENTROPY
    assert NoTerm().reward(0.5, [9.0], [9.0]) == 0.5


def test_the_multiplier_rises_over_the_budget_and_falls_below_it_to_nought() -> None:
    term = Dual(1, step=0.1)

    term.observe([1.2])
    risen = term.multipliers
    term.observe([0.9])
    fallen = term.multipliers
    for _ in range(50):
        term.observe([0.5])

    assert risen == pytest.approx((0.02,))
    assert fallen == pytest.approx((0.01,))
    assert term.multipliers == (0.0,)


def test_a_large_breach_counts_no_more_than_a_moderate_one() -> None:
    far, near = Dual(1), Dual(1)
    far.observe([7.0])
    near.observe([1.25])

    assert far.multipliers == near.multipliers


def test_the_dual_weighs_by_multiplier_and_breach_together() -> None:
    term = Dual(2)
    term.multipliers = (0.5, 0.0)
    over, under = shares(1.1, 0.8)

    term.loss(CROSS_ENTROPY, [over, under]).backward()

    assert over.grad is not None
    assert over.grad.item() == pytest.approx(0.5 + 0.1, rel=1e-5)
    assert under.grad is not None
    assert under.grad.item() == 0.0  # within its budget: nothing is gained by less


def test_the_dual_weighs_all_networks_of_an_update_by_the_expected_breach() -> None:
    term = Dual(1)
    term.multipliers = (0.5,)

    far_below, below, over = (term.reward(0.9, [share], [1.1]) for share in (0.2, 0.8, 1.4))

    assert over == pytest.approx(0.9 - 0.6 * 0.4)
    assert below == pytest.approx(0.9 + 0.6 * 0.2)
    assert far_below == pytest.approx(0.9 + 0.6 * 0.8)  # the cheaper, the better
    assert term.reward(0.9, [0.2], [0.4]) == 0.9  # the expected cost is far within its budget


def test_every_budget_has_a_term_of_its_own() -> None:
    assert AddLinear(1.0).loss(CROSS_ENTROPY, shares(1.5, 1.25)).item() == pytest.approx(2.75)
    assert MulLog([80.0, 80.0]).reward(1.0, [2.0, 2.0], [1.0, 1.0]) == pytest.approx(4**-0.1)


def test_a_budget_whose_logarithm_is_no_measure_is_refused() -> None:
    config = search_config(
        target="pixel1", hardware_loss="mul_log", budgets=(Budget(metric="latency_ms", limit=0.5),)
    )

    with pytest.raises(InvalidConfig, match=r"hardware_loss: mul_log needs a budget above 2\.72"):
        hardware_term(config)
