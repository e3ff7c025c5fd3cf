"""The agent of HAQ: deep deterministic policy gradient with one continuous action a step.

Lillicrap et al. 2016 with the constants of HAQ's published search. Departures, with reasons in
docs/concepts/haq.md: the reward is shared out over the steps of an episode, so that the values do
not grow with the distance to the end; it is normalised by its running spread; and a
behaviour-cloning term holds the actor to what was carried out (Fujimoto and Gu 2021).

Shapes: S entries of a state, K transitions of a batch.
"""

import copy
import math
import statistics
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from engine.haq.actor_critic import Actor, Critic, flattened
from engine.haq.replay_buffer import ReplayBuffer, Transitions
from engine.schema.errors import Diverged
from engine.training.checkpoint import State

_LAST_SIGMA_SHARE = 0.2
_SMALLEST_SPREAD = 1e-3  # of rewards: a hundredth of a percent of accuracy


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSettings:
    """The constants of the published search, and of the warm start."""

    hidden: int = 300
    actor_learning_rate: float = 1e-4
    critic_learning_rate: float = 1e-3
    discount: float = 1.0
    target_rate: float = 0.01  # how fast the target networks follow
    batch_size: int = 64
    steps_per_update: int = 2  # of an episode; the original updates after every one
    episodes_kept: int = 64  # the replay buffer's size
    baseline_rate: float = 0.5
    first_sigma: float = 0.05  # of the exploration noise: a third of a bit around a good start
    sigma_decay: float = 0.99  # by episode
    imitation_steps: int = 1500  # of the warm start
    imitation_learning_rate: float = 1e-3
    cloning_weight: float = 1.0
    value_weight: float = 0.05  # of the normalised value, beside the cloning term
    scaled: bool = True  # rewards by their running spread, values by their size

    @classmethod
    def for_episodes(cls, episodes: int) -> "AgentSettings":
        """Return the settings for a search of so many episodes: the noise dies down by its end."""
        return cls(sigma_decay=_LAST_SIGMA_SHARE ** (1 / max(episodes, 1)))

    @classmethod
    def published(cls) -> "AgentSettings":
        """Return what the original's agent learns by: wide noise, and values alone."""
        return cls(
            first_sigma=0.5,
            steps_per_update=1,
            cloning_weight=0.0,
            value_weight=1.0,
            scaled=False,
        )

    def sigma(self, episode: int, *, warm_up: int) -> float:
        """Return the noise of an episode, counted from 0; it decays once the warm-up is over."""
        return self.first_sigma * self.sigma_decay ** max(0, episode - warm_up)


@dataclass(frozen=True, slots=True, kw_only=True)
class Losses:
    """What the two networks lost, mean over an episode's updates."""

    value: float
    policy: float


class DDPGAgent:
    """Actor, critic, the target networks that follow them, and the replay buffer."""

    def __init__(
        self, *, state_size: int, steps: int, settings: AgentSettings, generator: torch.Generator
    ) -> None:
        self.settings = settings
        self._steps = steps
        self._generator = generator
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(torch.randint(2**62, (), generator=generator)))
            self.actor = Actor(state_size, settings.hidden)
            self.critic = Critic(state_size, settings.hidden)
        self._target_actor = copy.deepcopy(self.actor)
        self._target_critic = copy.deepcopy(self.critic)
        self._flat_actor, self._flat_critic = flattened(self.actor), flattened(self.critic)
        self._flat_targets = flattened(self._target_actor), flattened(self._target_critic)
        self._actor_optimiser = torch.optim.Adam(
            [self._flat_actor], lr=settings.actor_learning_rate, fused=True
        )
        self._critic_optimiser = torch.optim.Adam(
            [self._flat_critic], lr=settings.critic_learning_rate, fused=True
        )
        self._replay = ReplayBuffer(settings.episodes_kept * steps, state_size=state_size)
        self._rewards: list[float] = []
        self._baseline: float | None = None
        self._spread = 1.0

    @torch.no_grad()
    def act(self, state_S: Tensor) -> float:
        """Return the action that the actor holds best."""
        return float(self.actor(state_S))

    def explore(self, state_S: Tensor, sigma: float) -> float:
        """Return an action around the actor's: from a normal distribution cut to 0 .. 1."""
        return truncated_normal(self.act(state_S), sigma, self._generator)

    def remember(self, steps: Transitions, *, reward: float) -> None:
        """Take in an episode; its transitions carry the reward shared out over the steps."""
        self._replay.add(steps)
        self._rewards.append(reward)
        if len(self._rewards) > 1 and self.settings.scaled:
            self._spread = max(statistics.stdev(self._rewards), _SMALLEST_SPREAD)

    @torch.no_grad()
    def imitate(self, steps: Transitions) -> None:
        """Fit the actor to an episode's actions, so that it sets out from a good policy."""
        optimiser = torch.optim.Adam(
            [self._flat_actor], lr=self.settings.imitation_learning_rate, fused=True
        )
        for _ in range(self.settings.imitation_steps):
            trace = self.actor.trace(steps.states_KS)
            missed_K1 = trace.actions_K1 - steps.actions_K1
            self.actor.fill_gradients(trace, missed_K1 * (2 / len(missed_K1)))
            optimiser.step()
        self._target_actor.load_state_dict(self.actor.state_dict())

    @torch.no_grad()
    def learn(self, updates: int) -> Losses:
        """Update the networks this many times from the replay buffer.

        Raises:
            Diverged: a loss left the finite range.
        """
        value_loss = policy_loss = 0.0
        for _ in range(updates):
            batch = self._replay.sample(self.settings.batch_size, self._generator)
            advantages_K1 = self._advantages(batch.rewards_K1)
            value_loss += self._update_critic(batch, advantages_K1) / updates
            policy_loss += self._update_actor(batch, advantages_K1) / updates
            self._follow()
        if not math.isfinite(value_loss + policy_loss):
            raise Diverged(len(self._rewards), "the agent's loss")
        return Losses(value=value_loss, policy=policy_loss)

    def state_dict(self) -> State:
        """Return what `load_state_dict` needs to go on from here, the generator's state too.

        The tensors are copies: the agent may learn on without changing what was saved.
        """
        return {
            "networks": copy.deepcopy([network.state_dict() for network in self._networks()]),
            "optimisers": copy.deepcopy(
                [optimiser.state_dict() for optimiser in self._optimisers()]
            ),
            "replay": self._replay.state_dict(),
            "rewards": list(self._rewards),
            "baseline": self._baseline,
            "spread": self._spread,
            "generator": self._generator.get_state(),
        }

    def load_state_dict(self, saved: State) -> None:
        """Take up a saved state."""
        for network, state in zip(self._networks(), saved["networks"], strict=True):
            network.load_state_dict(state)
        for optimiser, state in zip(self._optimisers(), saved["optimisers"], strict=True):
            optimiser.load_state_dict(state)
        self._replay.load_state_dict(saved["replay"])
        self._rewards = list(saved["rewards"])
        self._baseline = saved["baseline"]
        self._spread = saved["spread"]
        self._generator.set_state(saved["generator"])

    def _networks(self) -> tuple[nn.Module, ...]:
        return self.actor, self.critic, self._target_actor, self._target_critic

    def _optimisers(self) -> tuple[torch.optim.Optimizer, ...]:
        return self._actor_optimiser, self._critic_optimiser

    def _advantages(self, rewards_K1: Tensor) -> Tensor:
        """Return rewards over their moving average, in units of the episodes' spread."""
        mean = float(rewards_K1.mean())
        if self._baseline is None:
            self._baseline = mean
        self._baseline += self.settings.baseline_rate * (mean - self._baseline)
        return (rewards_K1 - self._baseline) / self._spread

    def _update_critic(self, batch: Transitions, advantages_K1: Tensor) -> float:
        next_values_K1 = self._target_critic(
            batch.next_states_KS, self._target_actor(batch.next_states_KS)
        )
        wanted_K1 = advantages_K1 + self.settings.discount * (
            (1 - batch.is_last_K1) * next_values_K1
        )
        trace = self.critic.trace(batch.states_KS, batch.actions_K1)
        missed_K1 = trace.values_K1 - wanted_K1
        self.critic.fill_gradients(trace, missed_K1 * (2 / len(missed_K1)))
        self._critic_optimiser.step()
        return float(missed_K1.square().mean())

    def _update_actor(self, batch: Transitions, advantages_K1: Tensor) -> float:
        settings = self.settings
        trace = self.actor.trace(batch.states_KS)
        judged = self.critic.trace(batch.states_KS, trace.actions_K1)
        size = judged.values_K1.abs().mean().clamp_min(1e-6)
        value_weight = settings.value_weight / (size if settings.scaled else torch.ones(()))
        worth_K1 = (advantages_K1 > 0).float() * settings.cloning_weight
        missed_K1 = trace.actions_K1 - batch.actions_K1
        # The mean over the batch of what each transition loses, by its action.
        by_action_K1 = 2 * worth_K1 * missed_K1 - value_weight * self.critic.by_action(judged)
        self.actor.fill_gradients(trace, by_action_K1 / len(missed_K1))
        self._actor_optimiser.step()
        cloning = (worth_K1 * missed_K1.square()).mean()
        return float(cloning - value_weight * judged.values_K1.mean())

    def _follow(self) -> None:
        sources = (self._flat_actor, self._flat_critic)
        for target, source in zip(self._flat_targets, sources, strict=True):
            target.lerp_(source, self.settings.target_rate)


def truncated_normal(mean: float, sigma: float, generator: torch.Generator) -> float:
    """Return a draw from a normal distribution cut to 0 .. 1, by inverting its distribution."""
    if sigma < 1e-6:
        return min(max(mean, 0.0), 1.0)
    low, high = (_normal_below((bound - mean) / sigma) for bound in (0.0, 1.0))
    share = low + (high - low) * float(torch.rand((), generator=generator, dtype=torch.float64))
    deviate = float(torch.special.ndtri(torch.tensor(share, dtype=torch.float64)))
    return min(max(mean + sigma * deviate, 0.0), 1.0)


def _normal_below(x: float) -> float:
    return 0.5 * math.erfc(-x / math.sqrt(2))
