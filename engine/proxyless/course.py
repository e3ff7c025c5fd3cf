"""How a search went so far, beside its learner: what was told of it, and whether it has settled."""

from dataclasses import dataclass, field

from engine.proxyless.architecture_learner import ArchitectureStats
from engine.proxyless.priced_space import Choices
from engine.training.checkpoint import State


@dataclass(slots=True, kw_only=True)
class SinceTold:
    """What architecture steps saw since the last event of the gates."""

    loss: float = 0.0
    accuracy: float = 0.0
    reward: float | None = None
    steps: int = 0

    def add(self, stats: ArchitectureStats) -> None:
        """Take in one step."""
        self.loss += stats.loss
        self.accuracy += stats.accuracy
        if stats.reward is not None:
            self.reward = (self.reward or 0.0) + stats.reward
        self.steps += 1

    def mean(self) -> ArchitectureStats:
        """Return what a step saw on average."""
        return ArchitectureStats(
            loss=self.loss / self.steps,
            accuracy=self.accuracy / self.steps,
            reward=None if self.reward is None else self.reward / self.steps,
        )


@dataclass(slots=True, kw_only=True)
class Course:
    """What a resumed search needs to tell the same as an unbroken one."""

    visited: dict[Choices, int] = field(default_factory=dict)  # argmaxes, by how often told
    since: SinceTold = field(default_factory=SinceTold)
    settled_epochs: int = 0  # that ended with the same argmax within the budgets as the one before
    last_argmax: Choices | None = None  # at the end of the last epoch that the architecture learnt
    is_over: bool = False
    ended_early: str = ""  # why, as a sentence

    def visit(self, argmax: Choices) -> None:
        """Take in an argmax that is told of; those seen last stand last."""
        self.visited[argmax] = self.visited.pop(argmax, 0) + 1

    def settle(self, argmax: Choices, *, is_within: bool) -> None:
        """Take in the argmax at the end of an epoch."""
        same = argmax == self.last_argmax and is_within
        self.settled_epochs = self.settled_epochs + 1 if same else 0
        self.last_argmax = argmax

    def state(self) -> State:
        """Return plain values, to be read back without running code."""
        return {
            "visited": list(self.visited.items()),
            "since": {
                "loss": self.since.loss,
                "accuracy": self.since.accuracy,
                "reward": self.since.reward,
                "steps": self.since.steps,
            },
            "settled_epochs": self.settled_epochs,
            "last_argmax": self.last_argmax,
            "is_over": self.is_over,
            "ended_early": self.ended_early,
        }

    @classmethod
    def of(cls, state: State) -> "Course":
        """Return the course that was saved."""
        last = state["last_argmax"]
        return cls(
            visited={tuple(choices): count for choices, count in state["visited"]},
            since=SinceTold(**state["since"]),
            settled_epochs=state["settled_epochs"],
            last_argmax=None if last is None else tuple(last),
            is_over=state["is_over"],
            ended_early=state["ended_early"],
        )
