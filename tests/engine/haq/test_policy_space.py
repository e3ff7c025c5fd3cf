"""Every policy that is scored could be delivered: whatever is proposed, budgets are met."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.haq.policy_space import PolicySpace
from engine.schema.policy import LayerBits, Policy
from tests.engine.haq.toy_search import EIGHT, WIDTHS, ToySearch

TOYS = {share: ToySearch(share=share) for share in (0.0, 0.3, 0.8)}


def is_pinned(policy: Policy) -> bool:
    return policy["stem.0"] == policy["classifier"] == EIGHT


def moved_operands(before: Policy, after: Policy) -> int:
    return sum(
        (before[name].weight_bits != after[name].weight_bits)
        + (before[name].activation_bits != after[name].activation_bits)
        for name in before
    )


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), share=st.sampled_from(sorted(TOYS)))
def test_whatever_is_proposed_is_carried_out_within_every_budget(seed: int, share: float) -> None:
    toy = TOYS[share]
    rng = np.random.default_rng(seed)
    proposals = [toy.space.random(rng)]
    proposals.append(toy.space.neighbour(toy.space.carry_out(proposals[0]), rng, changes=4))

    for proposed in proposals:
        policy = toy.space.carry_out(proposed)

        assert is_pinned(proposed)
        assert is_pinned(policy)
        assert toy.is_within(policy)
        assert policy.model_hash == toy.spec.model_hash


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_what_is_carried_out_leaves_no_room_and_stays(seed: int) -> None:
    toy = TOYS[0.3]
    policy = toy.space.carry_out(toy.space.random(np.random.default_rng(seed)))

    assert toy.space.carry_out(policy) == policy
    for name in toy.space.free_layers:
        bits = policy[name]
        if bits.weight_bits < 8:
            wider = LayerBits(
                weight_bits=bits.weight_bits + 1, activation_bits=bits.activation_bits
            )
            assert not toy.is_within(toy.space.with_bits(policy, {name: wider}))


def test_the_lowest_budget_leaves_one_policy_of_least_bits() -> None:
    policy = TOYS[0.0].space.carry_out(TOYS[0.0].space.widest)

    for name in TOYS[0.0].space.free_layers:
        assert policy[name] == LayerBits(weight_bits=2, activation_bits=2)


def test_the_widest_policy_is_all_eights() -> None:
    assert set(TOYS[0.3].space.widest.layers.values()) == {EIGHT}


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), changes=st.integers(1, 4))
def test_a_neighbour_moves_few_operands_by_at_most_two_widths_each_time(
    seed: int, changes: int
) -> None:
    toy, rng = TOYS[0.3], np.random.default_rng(seed)
    start = toy.space.random(rng)

    neighbour = toy.space.neighbour(start, rng, changes=changes)

    assert moved_operands(start, neighbour) <= changes
    for name in start:
        assert abs(start[name].weight_bits - neighbour[name].weight_bits) <= 2 * changes
        assert neighbour[name].weight_bits in WIDTHS


def test_random_proposals_take_every_width() -> None:
    toy, rng = TOYS[0.3], np.random.default_rng(0)

    drawn = [toy.space.random(rng)["first"] for _ in range(200)]

    assert {bits.weight_bits for bits in drawn} == set(WIDTHS)
    assert {bits.activation_bits for bits in drawn} == set(WIDTHS)


def test_only_the_widths_that_may_be_chosen_are_proposed() -> None:
    toy = ToySearch(share=0.5, weight_bits=(2, 4, 8), activation_bits=(8,))
    rng = np.random.default_rng(1)
    policies = [toy.space.random(rng) for _ in range(20)]
    policies += [toy.space.neighbour(policy, rng, changes=3) for policy in policies]
    policies += [toy.space.carry_out(policy) for policy in policies]

    for policy in policies:
        assert {bits.weight_bits for bits in policy.layers.values()} <= {2, 4, 8}
        assert {bits.activation_bits for bits in policy.layers.values()} == {8}


def test_a_single_pair_of_widths_leaves_nothing_free() -> None:
    toy = ToySearch(share=1.0, weight_bits=(4,), activation_bits=(4,))

    assert toy.space.free_layers == ()
    assert toy.space.carry_out(toy.space.random(np.random.default_rng(0))) == toy.space.widest


@pytest.mark.parametrize("metric", ["model_bytes", "bit_ops"])
def test_more_budget_never_loses_more(metric: str) -> None:
    losses = []
    for share in (0.0, 0.2, 0.5, 1.0):
        toy = ToySearch(share=share, metrics=(metric,))
        space: PolicySpace = toy.space
        losses.append(toy.problem.loss(toy.problem.choice(space.carry_out(space.widest))))

    assert all(tighter >= wider for tighter, wider in pairwise(losses))
