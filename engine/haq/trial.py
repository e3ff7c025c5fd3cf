"""What all strategies share: they propose policies, are told their scores, and can be saved."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from engine.haq.environment import QuantizationEnvironment, Score, bits_of
from engine.schema.policy import Policy
from engine.training.checkpoint import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """One policy that a strategy would have scored."""

    policy: Policy  # within the budgets
    proposed: Policy  # before they were enforced
    sigma: float | None = None  # the agent's exploration noise


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One policy that a strategy scored."""

    policy: Policy  # as evaluated
    proposed: Policy  # before the budgets were enforced
    score: Score
    cache_hit: bool
    sigma: float | None = None  # the agent's exploration noise
    value_loss: float | None = None
    policy_loss: float | None = None


class Strategy(Protocol):
    """A way to search, round by round: it is asked for proposals, then told of each trial.

    Its state is whole between rounds.
    """

    @property
    def is_exhausted(self) -> bool:
        """Nothing new is to be expected from it."""
        ...

    def ask(self, most: int) -> Sequence[Proposal]:
        """Propose what to score next: at least one policy, and at most so many."""
        ...

    def tell(self, trial: Trial) -> Trial:
        """Learn from a proposal's score; return the trial with what the learner lost, if any."""
        ...

    def state_dict(self) -> State:
        """Return what `load_state_dict` needs to go on from here."""
        ...

    def load_state_dict(self, saved: State) -> None:
        """Take up a saved state."""
        ...


def next_round(
    strategy: Strategy, environment: QuantizationEnvironment, *, most: int = 1
) -> list[Trial]:
    """Ask for proposals, score them together, and tell the strategy of each."""
    proposals = strategy.ask(most)
    known = {bits_of(one.policy) for one in proposals if environment.knows(one.policy)}
    scores = environment.scores_of([one.policy for one in proposals])
    trials = []
    for one, score in zip(proposals, scores, strict=True):
        trial = Trial(
            policy=one.policy,
            proposed=one.proposed,
            score=score,
            cache_hit=bits_of(one.policy) in known,
            sigma=one.sigma,
        )
        known.add(bits_of(one.policy))
        trials.append(strategy.tell(trial))
    return trials


def rng_to_state(rng: np.random.Generator) -> State:
    """Return a generator's state as plain values."""
    return dict(rng.bit_generator.state)


def rng_from_state(rng: np.random.Generator, saved: State) -> None:
    """Put a generator where it was."""
    rng.bit_generator.state = saved
