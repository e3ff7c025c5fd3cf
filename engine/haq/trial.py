"""What all strategies share: one policy scored a step, and a state that can be saved."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from engine.haq.environment import Score
from engine.schema.policy import Policy
from engine.training.checkpoint import State


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
    """A way to search, one trial at a time."""

    @property
    def is_exhausted(self) -> bool:
        """Nothing new is to be expected from it."""
        ...

    def step(self) -> Trial:
        """Score one more policy."""
        ...

    def state_dict(self) -> State:
        """Return what `load_state_dict` needs to go on from here."""
        ...

    def load_state_dict(self, saved: State) -> None:
        """Take up a saved state."""
        ...


def rng_to_state(rng: np.random.Generator) -> State:
    """Return a generator's state as plain values."""
    return dict(rng.bit_generator.state)


def rng_from_state(rng: np.random.Generator, saved: State) -> None:
    """Put a generator where it was."""
    rng.bit_generator.state = saved
