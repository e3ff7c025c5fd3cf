"""How much the agent learns after an episode."""

from dataclasses import replace

import pytest

from engine.haq.agent_search import AgentSearch
from engine.haq.ddpg import AgentSettings, DDPGAgent, Losses
from engine.haq.trial import next_round
from engine.training.seed import numpy_generator, torch_generator
from tests.engine.haq.toy_search import ToySearch

SETTINGS = AgentSettings(hidden=8, imitation_steps=1)


@pytest.mark.parametrize("steps_per_update", [1, 3])
def test_an_episode_is_followed_by_an_update_for_every_few_of_its_steps(
    steps_per_update: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    learnt: list[int] = []

    def learn(_agent: DDPGAgent, updates: int) -> Losses:
        learnt.append(updates)
        return Losses(value=0.0, policy=0.0)

    monkeypatch.setattr(DDPGAgent, "learn", learn)
    toy = ToySearch(share=0.6)
    search = AgentSearch(
        toy.space,
        toy.environment,
        toy.walk,
        teacher=toy.solved,
        episodes=8,
        settings=replace(SETTINGS, steps_per_update=steps_per_update),
        generator=torch_generator(0, "agent"),
        rng=numpy_generator(0, "agent"),
    )

    for _ in range(4):
        next_round(search, toy.environment)

    assert toy.walk.steps == 4
    each = {1: 4, 3: 2}[steps_per_update]
    assert learnt == [5 * each, each, each]  # five rounds when the warm start ends
