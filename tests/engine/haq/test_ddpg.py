"""The agent: its noise, its learning, and that a saved one goes on bit for bit."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from engine.haq.ddpg import AgentSettings, DDPGAgent, truncated_normal
from engine.haq.replay_buffer import Transitions
from engine.schema.errors import Diverged
from engine.training.checkpoint import load_checkpoint, save_checkpoint

STATE_SIZE, STEPS = 4, 6
SETTINGS = AgentSettings(hidden=32, batch_size=16, episodes_kept=8, imitation_steps=1500)


def new_agent(*, seed: int = 0, settings: AgentSettings = SETTINGS) -> DDPGAgent:
    return DDPGAgent(
        state_size=STATE_SIZE,
        steps=STEPS,
        settings=settings,
        generator=torch.Generator().manual_seed(seed),
    )


def episode(reward: float, *, action: float = 0.5, seed: int = 0) -> Transitions:
    """Return an episode with one action throughout."""
    states_KS = torch.rand(STEPS, STATE_SIZE, generator=torch.Generator().manual_seed(seed))
    last_K1 = torch.zeros(STEPS, 1)
    last_K1[-1] = 1
    return Transitions(
        states_KS=states_KS,
        actions_K1=torch.full((STEPS, 1), action),
        rewards_K1=torch.full((STEPS, 1), reward / STEPS),
        next_states_KS=states_KS.roll(-1, dims=0),
        is_last_K1=last_K1,
    )


def taught_agent(*, episodes: int = 3) -> DDPGAgent:
    agent = new_agent()
    for index in range(episodes):
        agent.remember(episode(float(index), action=0.2 * index, seed=index), reward=float(index))
    return agent


def shown_the_better_action(settings: AgentSettings) -> DDPGAgent:
    """Return an agent that learnt from low actions that were punished and high ones rewarded."""
    agent = new_agent(settings=settings)
    for _ in range(4):
        agent.remember(episode(-5.0, action=0.1), reward=-5.0)
        agent.remember(episode(5.0, action=0.9), reward=5.0)
    agent.learn(300)
    return agent


def parameters_of(network: nn.Module) -> torch.Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in network.parameters()])


@pytest.mark.parametrize("mean", [0.0, 0.1, 0.5, 1.0])
@pytest.mark.parametrize("sigma", [0.05, 0.6])
def test_noise_is_cut_to_the_actions_there_are(mean: float, sigma: float) -> None:
    generator = torch.Generator().manual_seed(0)

    draws = [truncated_normal(mean, sigma, generator) for _ in range(2000)]

    assert min(draws) >= 0
    assert max(draws) <= 1
    assert sum(draws) / len(draws) == pytest.approx(cut_mean(mean, sigma), abs=0.02)


def cut_mean(mean: float, sigma: float) -> float:
    """Return the mean of a normal distribution cut to 0 .. 1, by its closed form."""
    low, high = (0 - mean) / sigma, (1 - mean) / sigma
    density = [math.exp(-(x**2) / 2) / math.sqrt(2 * math.pi) for x in (low, high)]
    mass = 0.5 * (math.erf(high / math.sqrt(2)) - math.erf(low / math.sqrt(2)))
    return mean + sigma * (density[0] - density[1]) / mass


@pytest.mark.parametrize("mean", [-0.3, 0.25, 1.7])
def test_without_noise_the_mean_comes_back_cut(mean: float) -> None:
    found = truncated_normal(mean, 0.0, torch.Generator())

    assert found == min(max(mean, 0.0), 1.0)


def test_the_noise_stays_through_the_warm_up_and_dies_down_to_a_fifth() -> None:
    settings = AgentSettings.for_episodes(100)

    noises = [settings.sigma(episode, warm_up=21) for episode in (0, 21, 121)]

    assert noises == pytest.approx([0.05, 0.05, 0.01])


def test_the_published_noise_is_wide_and_counted_from_the_last_drawn_episode() -> None:
    settings = AgentSettings.published()

    assert settings.sigma(120, warm_up=20) == pytest.approx(0.18302, abs=5e-6)
    assert (settings.cloning_weight, settings.scaled) == (0.0, False)


def test_unscaled_the_actor_climbs_the_value_alone() -> None:
    settings = replace(
        SETTINGS, actor_learning_rate=1e-3, cloning_weight=0.0, value_weight=1.0, scaled=False
    )
    agent = shown_the_better_action(settings)

    assert all(agent.act(state) > 0.8 for state in episode(0.0).states_KS)
    assert agent.state_dict()["spread"] == 1.0


def test_actions_lie_between_0_and_1() -> None:
    agent = new_agent()

    for scale in (0.0, 1.0, 1e4):
        assert 0 <= agent.act(scale * torch.ones(STATE_SIZE)) <= 1
        assert 0 <= agent.explore(scale * torch.ones(STATE_SIZE), 0.5) <= 1


def test_the_networks_are_drawn_from_the_agents_own_stream() -> None:
    torch.manual_seed(5)
    ambient = torch.get_rng_state()

    one, same, other = new_agent(), new_agent(), new_agent(seed=1)

    assert torch.equal(torch.get_rng_state(), ambient)
    assert torch.equal(parameters_of(one.actor), parameters_of(same.actor))
    assert not torch.equal(parameters_of(one.actor), parameters_of(other.actor))


def test_the_target_networks_start_alike_and_follow_slowly() -> None:
    agent = taught_agent()
    before = parameters_of(agent._target_critic)
    assert torch.equal(before, parameters_of(agent.critic))

    agent.learn(1)

    expected = before + SETTINGS.target_rate * (parameters_of(agent.critic) - before)
    assert torch.allclose(parameters_of(agent._target_critic), expected, atol=1e-7)
    assert not torch.equal(parameters_of(agent._target_actor), parameters_of(agent.actor))


def test_the_actor_leans_to_what_was_rewarded() -> None:
    settings = replace(SETTINGS, actor_learning_rate=1e-3)
    agent = shown_the_better_action(settings)

    assert all(agent.act(state) > 0.8 for state in episode(0.0).states_KS)


def test_imitation_teaches_the_actions_that_were_shown() -> None:
    agent = new_agent()
    shown = episode(0.0)
    shown = replace(shown, actions_K1=torch.linspace(0.1, 0.9, STEPS).unsqueeze(1))

    agent.imitate(shown)

    with torch.no_grad():
        assert torch.allclose(agent.actor(shown.states_KS), shown.actions_K1, atol=0.03)
    assert torch.equal(parameters_of(agent._target_actor), parameters_of(agent.actor))


def test_a_loaded_agent_goes_on_bit_for_bit(tmp_path: Path) -> None:
    agent = taught_agent()
    agent.learn(5)
    loaded = new_agent(seed=7)
    save_checkpoint(tmp_path / "agent", agent.state_dict())
    saved = load_checkpoint(tmp_path / "agent")
    assert saved is not None

    loaded.load_state_dict(saved)

    state = torch.rand(STATE_SIZE)
    for _ in range(3):
        assert loaded.explore(state, 0.3) == agent.explore(state, 0.3)
        for one in (agent, loaded):
            one.remember(episode(2.0, action=0.7, seed=4), reward=2.0)
        assert loaded.learn(4) == agent.learn(4)
    assert torch.equal(parameters_of(loaded.critic), parameters_of(agent.critic))


def test_a_loss_out_of_range_is_told() -> None:
    agent = new_agent()
    agent.remember(episode(math.inf), reward=0.0)

    with pytest.raises(Diverged, match="agent's loss"):
        agent.learn(1)
