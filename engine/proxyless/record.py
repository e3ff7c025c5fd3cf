"""What is known of a search so far, but for the supernet itself; saved between steps."""

import math
from dataclasses import dataclass, field, replace
from pathlib import Path

from engine.proxyless.priced_space import Choices
from engine.schema.codec import digest
from engine.schema.search_config import SearchConfig
from engine.training.checkpoint import load_checkpoint, save_checkpoint
from engine.training.evaluate import Evaluation

SUPERNET_CHECKPOINT = "supernet.checkpoint"  # below the working folder
STATE_CHECKPOINT = "search.checkpoint"


@dataclass(slots=True, kw_only=True)
class Scored:
    """A network's score with the supernet's weights, and what it was scored for."""

    origin: str  # "argmax", "projection", "refill", "archive", "sample"
    accuracy: float
    loss: float
    images: int
    is_candidate: bool = False  # scored at the end of the search, so that it may be delivered


@dataclass(slots=True, kw_only=True)
class RunState:
    """All that a resumed run needs but networks' weights: those have checkpoints of their own."""

    config_hash: str  # of the run that this is a state of
    scores: dict[Choices, Scored] = field(default_factory=dict)  # in order of scoring
    is_hurried: bool = False  # the person asked to finish: nothing more than needed is done
    training_seconds: dict[str, float] = field(default_factory=dict)  # by network
    stage_seconds: dict[str, float] = field(default_factory=dict)

    def take(
        self, choices: Choices, origin: str, score: Evaluation, *, is_candidate: bool
    ) -> Scored:
        """Take in one network's score and return it."""
        scored = Scored(
            origin=origin,
            accuracy=score.accuracy,
            loss=score.loss,
            images=score.images,
            is_candidate=is_candidate,
        )
        self.scores.pop(choices, None)  # the later score is by better weights, and counts as later
        self.scores[choices] = scored
        return scored

    def best(self) -> Choices | None:
        """Return the candidate of least loss, which scatters less by the images than accuracy."""
        candidates = [choices for choices, one in self.scores.items() if one.is_candidate]
        return min(candidates, key=lambda choices: _finite(self.scores[choices].loss), default=None)

    def save(self, path: Path) -> None:
        """Write the state; only plain values, so that it is read back without running code."""
        save_checkpoint(
            path,
            {
                "config_hash": self.config_hash,
                "scores": [
                    (choices, one.origin, one.accuracy, one.loss, one.images, one.is_candidate)
                    for choices, one in self.scores.items()
                ],
                "is_hurried": self.is_hurried,
                "training_seconds": dict(self.training_seconds),
                "stage_seconds": dict(self.stage_seconds),
            },
        )

    @classmethod
    def load(cls, path: Path) -> "RunState | None":
        """Read a state back; None: there is none."""
        saved = load_checkpoint(path)
        if saved is None:
            return None
        return cls(
            config_hash=saved["config_hash"],
            scores={
                tuple(choices): Scored(
                    origin=origin,
                    accuracy=accuracy,
                    loss=loss,
                    images=images,
                    is_candidate=is_candidate,
                )
                for choices, origin, accuracy, loss, images, is_candidate in saved["scores"]
            },
            is_hurried=saved["is_hurried"],
            training_seconds=saved["training_seconds"],
            stage_seconds=saved["stage_seconds"],
        )


def hash_of(config: SearchConfig) -> str:
    """Tell one search from another, wherever it runs."""
    return digest(replace(config, device="auto", threads=1))


def _finite(loss: float) -> float:
    return loss if math.isfinite(loss) else math.inf
