"""HAQ's search: an agent proposes, the budgets are enforced, the score is the reward.

The agent learns from what was carried out, not from what it proposed. It is warm-started: the
first episodes are the solver's policy and its neighbours, and then the actor is fitted to the best
of them before it acts for itself.

Faithful to the original it draws 21 policies at random and is fitted to none, learns from its
proposals, each step carrying the whole reward, and goes on though its policy has settled.
"""

import math
from dataclasses import replace
from functools import partial

import numpy as np
import torch

from engine.haq.ddpg import AgentSettings, DDPGAgent, Losses
from engine.haq.environment import Bits, QuantizationEnvironment, bits_of
from engine.haq.policy_space import PolicySpace
from engine.haq.trial import Proposal, Trial, rng_from_state, rng_to_state
from engine.haq.walk import LayerWalk
from engine.schema.policy import Policy
from engine.training.checkpoint import State

PATIENCE = 30  # episodes with an unchanged greedy policy; then the agent has settled
_MOST_TAUGHT = 21  # and as many are drawn by the original
_NEIGHBOUR_CHANGES = 4
_FIRST_ROUNDS = 5  # of updates when the warm start ends, each as many as after an episode


class AgentSearch:
    """A round of episodes at a time, all proposed by the agent as it is when the round begins."""

    def __init__(
        self,
        space: PolicySpace,
        environment: QuantizationEnvironment,
        walk: LayerWalk,
        *,
        teacher: Policy,
        episodes: int,
        settings: AgentSettings,
        generator: torch.Generator,
        rng: np.random.Generator,
    ) -> None:
        self._space = space
        self._environment = environment
        self._walk = walk
        self._teacher = teacher
        self._settings = settings
        self._rng = rng
        self._is_faithful = space.faithful
        self._updates = math.ceil(walk.steps / settings.steps_per_update)
        self._taught = min(_MOST_TAUGHT, max(1, episodes // 4))
        if self._is_faithful:
            self._taught = _MOST_TAUGHT
        self._episode = 0
        self._greedy: Bits | None = None
        self._unchanged = 0
        self._best: tuple[Bits, float] | None = None  # with its loss
        self._agent = DDPGAgent(
            state_size=walk.state_size, steps=walk.steps, settings=settings, generator=generator
        )

    @property
    def is_exhausted(self) -> bool:
        """The greedy policy has long been the same, or there is nothing to choose."""
        is_settled = self._unchanged >= PATIENCE and not self._is_faithful
        return is_settled or not self._space.free_layers

    def ask(self, most: int) -> list[Proposal]:
        """Propose for the next episodes; the warm start ends with a round."""
        left = self._taught - self._episode
        count = min(most, left) if left > 0 else most
        return [self._proposal(self._episode + index) for index in range(count)]

    def tell(self, trial: Trial) -> Trial:
        """Learn from an episode."""
        reward = self._environment.reward(trial.score)
        done = trial.proposed if self._is_faithful else trial.policy
        steps = self._walk.transitions(done, reward=reward, shared=not self._is_faithful)
        self._agent.remember(steps, reward=reward)
        if self._best is None or trial.score.loss < self._best[1]:
            self._best = bits_of(trial.policy), trial.score.loss
        losses = self._learn()
        self._episode += 1
        if losses is None:
            return trial
        self._look_at_greedy()
        return replace(trial, value_loss=losses.value, policy_loss=losses.policy)

    def state_dict(self) -> State:
        """Return what `load_state_dict` needs to go on from here."""
        return {
            "rng": rng_to_state(self._rng),
            "agent": self._agent.state_dict(),
            "episode": self._episode,
            "greedy": self._greedy,
            "unchanged": self._unchanged,
            "best": self._best,
        }

    def load_state_dict(self, saved: State) -> None:
        """Take up a saved state."""
        rng_from_state(self._rng, saved["rng"])
        self._agent.load_state_dict(saved["agent"])
        self._episode = saved["episode"]
        self._greedy = saved["greedy"]
        self._unchanged = saved["unchanged"]
        self._best = saved["best"]

    def _proposal(self, episode: int) -> Proposal:
        """Return what an episode is to carry out, with its noise if the agent made it."""
        if episode < self._taught:
            proposed, sigma = self._shown(episode), None
        else:
            # The original counts its noise from the last drawn episode on, ours from the first
            # walked.
            warm_up = self._taught - self._is_faithful
            sigma = self._settings.sigma(episode, warm_up=warm_up)
            proposed = self._walk.walk(partial(self._agent.explore, sigma=sigma))
        return Proposal(policy=self._space.carry_out(proposed), proposed=proposed, sigma=sigma)

    def _shown(self, episode: int) -> Policy:
        """Return a policy of the warm start."""
        if self._is_faithful:
            return self._space.random(self._rng)
        if episode == 0:
            return self._teacher
        changes = int(self._rng.integers(1, _NEIGHBOUR_CHANGES + 1))
        return self._space.neighbour(self._teacher, self._rng, changes=changes)

    def _learn(self) -> Losses | None:
        """Learn from what was remembered, once the warm start has been."""
        if self._episode + 1 < self._taught:
            return None
        if self._episode + 1 > self._taught:
            return self._agent.learn(self._updates)
        if self._is_faithful:
            return None
        losses = self._agent.learn(_FIRST_ROUNDS * self._updates)
        assert self._best is not None
        best = self._environment.policy(self._best[0])
        self._agent.imitate(self._walk.transitions(best, reward=0.0))
        return losses

    def _look_at_greedy(self) -> None:
        greedy = bits_of(self._walk.walk(self._agent.act))
        self._unchanged = self._unchanged + 1 if greedy == self._greedy else 0
        self._greedy = greedy
