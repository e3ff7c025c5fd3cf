"""The agent's walk: what it sees at each step, and which bits its actions stand for."""

from collections.abc import Callable
from dataclasses import replace
from itertools import product

import pytest
import torch
from torch import Tensor

from engine.haq.ddpg import AgentSettings, DDPGAgent
from engine.haq.policy_space import PolicySpace
from engine.haq.walk import LayerWalk, action_of_bits, bits_of_action
from engine.schema.policy import FLOAT_BITS, LayerBits, Policy
from engine.solver.problem import policy_problem
from tests.engine.haq.toy_search import EIGHT, WIDTHS, ToySearch


@pytest.fixture(scope="module")
def toy() -> ToySearch:
    return ToySearch()


def free_policy(toy: ToySearch, *bits: tuple[int, int]) -> Policy:
    pairs = [LayerBits(weight_bits=w, activation_bits=a) for w, a in bits]
    changes = dict(zip(toy.space.free_layers, pairs, strict=True))
    return toy.space.with_bits(toy.space.widest, changes)


@pytest.mark.parametrize(("action", "bits"), [(0, 2), (0.1, 2), (0.5, 5), (0.9, 8), (1, 8)])
def test_actions_stand_for_the_widths_of_the_paper(action: float, bits: int) -> None:
    assert bits_of_action(action, WIDTHS) == bits


@pytest.mark.parametrize("widths", [WIDTHS, (2, 4, 8), (3, 5), (6,), (1, 2, 3)])
def test_each_width_has_an_action_that_stands_for_it(widths: tuple[int, ...]) -> None:
    for bits in widths:
        assert bits_of_action(action_of_bits(bits, widths), widths) == bits


def test_widths_have_equal_shares_of_the_actions() -> None:
    drawn = [bits_of_action((step + 0.5) / 7000, WIDTHS) for step in range(7000)]

    assert all(abs(drawn.count(bits) - 1000) <= 1 for bits in WIDTHS)


def test_only_the_middle_layers_take_steps(toy: ToySearch) -> None:
    assert toy.space.free_layers == ("first", "second")
    assert toy.walk.steps == 4


def test_a_state_tells_layer_last_bits_and_kind_of_step(toy: ToySearch) -> None:
    seen: list[Tensor] = []

    def act(state_S: Tensor) -> float:
        seen.append(state_S)
        return (0.0, 1.0, 0.5, 0.5)[len(seen) - 1]

    policy = toy.walk.walk(act)

    assert all(state.shape == (toy.walk.state_size,) == (10,) for state in seen)
    assert [float(state[9]) for state in seen] == [1, 0, 1, 0]
    assert [float(state[8]) for state in seen] == [1.0, 2 / 8, 1.0, 5 / 8]
    assert policy == free_policy(toy, (2, 8), (5, 5))


def test_static_features_are_scaled_over_all_layers(toy: ToySearch) -> None:
    states = toy.walk.transitions(toy.space.widest, reward=0.0).states_KS

    assert states.min() >= 0
    assert states.max() <= 1
    depthwise, index = states[:, 0], states[:, 7]
    assert depthwise.tolist() == [1, 1, 0, 0]
    assert index.tolist() == pytest.approx([1 / 3, 1 / 3, 2 / 3, 2 / 3])


def test_a_constant_feature_is_left_as_it_is(toy: ToySearch) -> None:
    alike = [replace(toy.spec.layers[1], name=layer.name) for layer in toy.spec.layers]

    states = LayerWalk(alike, toy.space).transitions(toy.space.widest, reward=0.0).states_KS

    assert states[:, 0].tolist() == [1.0] * 4  # all depthwise
    assert torch.isfinite(states).all()


def test_a_policy_s_transitions_replay_its_walk(toy: ToySearch) -> None:
    policy = free_policy(toy, (3, 7), (8, 2))
    steps = toy.walk.transitions(policy, reward=-6.0)
    seen: list[Tensor] = []

    def act(state_S: Tensor) -> float:
        seen.append(state_S)
        return float(steps.actions_K1[len(seen) - 1])

    assert toy.walk.walk(act) == policy
    assert torch.equal(steps.states_KS, torch.stack(seen))
    assert torch.equal(steps.next_states_KS[:-1], steps.states_KS[1:])


def test_the_reward_is_shared_out_over_the_steps(toy: ToySearch) -> None:
    steps = toy.walk.transitions(toy.space.widest, reward=-6.0)

    assert steps.rewards_K1.flatten().tolist() == [-1.5] * 4
    assert steps.is_last_K1.flatten().tolist() == [0, 0, 0, 1]


def test_the_ends_keep_eight_bits_whatever_is_done(toy: ToySearch) -> None:
    for action in (0.0, 1.0):
        policy = toy.walk.walk(lambda _, action=action: action)

        assert policy["stem.0"] == policy["classifier"] == EIGHT


@pytest.mark.parametrize("seed", range(3))
def test_an_agent_that_imitated_a_policy_proposes_it(toy: ToySearch, seed: int) -> None:
    pairs = list(product((2, 4, 7), (3, 5, 8)))
    teacher = free_policy(toy, pairs[2 * seed], pairs[-1 - seed])
    agent = DDPGAgent(
        state_size=toy.walk.state_size,
        steps=toy.walk.steps,
        settings=AgentSettings(),
        generator=torch.Generator().manual_seed(seed),
    )

    agent.imitate(toy.walk.transitions(teacher, reward=0.0))

    assert toy.walk.walk(agent.act) == teacher


def test_weights_alone_take_a_step_each_and_a_state_of_nine_numbers() -> None:
    toy = ToySearch(metrics=("model_bytes",), activation_bits=(FLOAT_BITS,))
    seen: list[Tensor] = []

    def act(state_S: Tensor) -> float:
        seen.append(state_S)
        return 0.0

    policy = toy.walk.walk(act)

    assert toy.space.free_layers == tuple(toy.problem.names)  # none is pinned
    assert [state.shape for state in seen] == [(9,)] * len(toy.problem.names)
    assert [float(state[8]) for state in seen] == [1.0, 2 / 8, 2 / 8, 2 / 8]
    assert {(b.weight_bits, b.activation_bits) for b in policy.layers.values()} == {(2, 32)}
    assert toy.walk.walk(actions_of(toy, policy)) == policy


def test_an_input_that_two_layers_read_takes_one_step() -> None:
    toy = ToySearch()
    forked = replace(toy.spec, shared_inputs=(("first", "second"),))
    problem = policy_problem(forked, toy.costs, ("bit_ops",), WIDTHS, WIDTHS)
    space = PolicySpace(problem, toy.budgets[:1], weight_bits=WIDTHS, activation_bits=WIDTHS)
    walk = LayerWalk(forked.layers, space)

    policy = walk.walk(lambda _: 0.5)

    assert walk.steps == 3
    assert policy["first"].activation_bits == policy["second"].activation_bits == 5
    assert space.problem.policy(space.problem.choice(policy)) == policy


def actions_of(toy: ToySearch, policy: Policy) -> Callable[[Tensor], float]:
    actions = iter(toy.walk.transitions(policy, reward=0.0).actions_K1.flatten().tolist())
    return lambda _: next(actions)
