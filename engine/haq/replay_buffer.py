"""Transitions in preallocated tensors; the oldest give way.

Shapes: S entries of a state, K transitions, M the buffer's size.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

Saved = dict[str, Tensor]


@dataclass(frozen=True, slots=True, kw_only=True)
class Transitions:
    """Steps of episodes, one row each."""

    states_KS: Tensor
    actions_K1: Tensor
    rewards_K1: Tensor
    next_states_KS: Tensor
    is_last_K1: Tensor  # 1.0 where an episode ended, else 0.0


class ReplayBuffer:
    """A ring of transitions from which batches are drawn uniformly."""

    def __init__(self, size: int, *, state_size: int) -> None:
        self._rows = torch.zeros(size, 2 * state_size + 3)
        self._state_size = state_size
        self._written = 0

    def __len__(self) -> int:
        return min(self._written, len(self._rows))

    def add(self, steps: Transitions) -> None:
        """Put in the steps of an episode, in order."""
        rows = torch.cat(
            [
                steps.states_KS,
                steps.next_states_KS,
                steps.actions_K1,
                steps.rewards_K1,
                steps.is_last_K1,
            ],
            dim=1,
        )
        slots = (self._written + torch.arange(len(rows))) % len(self._rows)
        self._rows[slots] = rows
        self._written += len(rows)

    def sample(self, count: int, generator: torch.Generator) -> Transitions:
        """Return `count` transitions, drawn with replacement."""
        rows = self._rows[torch.randint(len(self), (count,), generator=generator)]
        width = self._state_size
        states, next_states, actions, rewards, is_last = torch.split(
            rows, [width, width, 1, 1, 1], dim=1
        )
        return Transitions(
            states_KS=states,
            actions_K1=actions,
            rewards_K1=rewards,
            next_states_KS=next_states,
            is_last_K1=is_last,
        )

    def state_dict(self) -> Saved:
        """Return what `load_state_dict` needs to go on from here."""
        return {"rows": self._rows[: len(self)].clone(), "written": torch.tensor(self._written)}

    def load_state_dict(self, saved: Saved) -> None:
        """Take up a saved state."""
        self._rows[: len(saved["rows"])] = saved["rows"]
        self._written = int(saved["written"])
