"""The agent's two networks: their written-out gradients are autograd's."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from engine.haq.actor_critic import Actor, Critic, flattened

STATES, STATE_SIZE, HIDDEN = 7, 4, 9


@pytest.fixture
def states_KS() -> Tensor:
    return torch.rand(STATES, STATE_SIZE, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def actions_K1() -> Tensor:
    return torch.rand(STATES, 1, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def actor() -> Actor:
    torch.manual_seed(2)
    return Actor(STATE_SIZE, HIDDEN)


@pytest.fixture
def critic() -> Critic:
    torch.manual_seed(3)
    return Critic(STATE_SIZE, HIDDEN)


def gradients(network: nn.Module) -> Tensor:
    """Return all gradients in one row."""
    return torch.cat(
        [each.grad.flatten() for each in network.parameters() if each.grad is not None]
    )


def by_autograd(network: nn.Module, outcome: Callable[[], Tensor]) -> Tensor:
    """Return the gradients of an outcome by autograd."""
    found = torch.autograd.grad(outcome(), list(network.parameters()))
    return torch.cat([each.flatten() for each in found])


def test_the_actors_gradients_are_autograds(
    actor: Actor, states_KS: Tensor, actions_K1: Tensor
) -> None:
    expected = by_autograd(actor, lambda: (actor(states_KS) - actions_K1).square().sum())
    flattened(actor)

    trace = actor.trace(states_KS)
    actor.fill_gradients(trace, 2 * (trace.actions_K1 - actions_K1))

    assert torch.allclose(gradients(actor), expected, atol=1e-6)
    assert expected.abs().max() > 0.01


def test_the_critics_gradients_are_autograds(
    critic: Critic, states_KS: Tensor, actions_K1: Tensor
) -> None:
    expected = by_autograd(critic, lambda: critic(states_KS, actions_K1).square().sum())
    flattened(critic)

    trace = critic.trace(states_KS, actions_K1)
    critic.fill_gradients(trace, 2 * trace.values_K1)

    assert torch.allclose(gradients(critic), expected, atol=1e-6)
    assert expected.abs().max() > 0.01


def test_a_values_gradient_by_its_action_is_autograds(
    critic: Critic, states_KS: Tensor, actions_K1: Tensor
) -> None:
    actions_K1.requires_grad_()
    (expected,) = torch.autograd.grad(critic(states_KS, actions_K1).sum(), actions_K1)

    found = critic.by_action(critic.trace(states_KS, actions_K1))

    assert torch.allclose(found, expected, atol=1e-6)
    assert expected.abs().max() > 0.001


def test_a_flattened_network_computes_the_same_and_follows_its_flat_tensor(
    actor: Actor, states_KS: Tensor
) -> None:
    before = actor(states_KS)

    flat = flattened(actor)

    assert torch.equal(actor(states_KS), before)
    with torch.no_grad():
        flat.zero_()
        assert torch.equal(actor(states_KS), torch.full((STATES, 1), 0.5))
    actor.load_state_dict({name: torch.ones_like(p) for name, p in actor.state_dict().items()})
    assert torch.equal(flat, torch.ones_like(flat))
