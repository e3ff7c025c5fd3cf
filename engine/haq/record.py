"""What is known of a strategy's search so far, and what of the whole run; saved between steps."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from engine.haq.environment import Bits, Score, bits_of
from engine.haq.trial import Trial
from engine.schema.codec import digest, from_json, to_json
from engine.schema.quantize_config import QuantizeConfig
from engine.schema.results import LayerSensitivity, Strategy
from engine.training.checkpoint import State, load_checkpoint, save_checkpoint

STRATEGIES: tuple[Strategy, ...] = ("solver", "greedy", "hill_climb", "random", "agent")
ANSWERS: frozenset[Strategy] = frozenset({"solver", "greedy"})  # one policy each, no search


@dataclass(slots=True, kw_only=True)
class StrategyRecord:
    """How one strategy has fared. The best is the one of least loss: it scatters less by the
    images than the accuracy does."""

    steps: int = 0  # policies tried; one that is known already costs nothing
    seconds: float = 0.0
    best_bits: Bits | None = None
    best_score: Score | None = None
    best_reward: float | None = None
    best_losses: list[float] = field(default_factory=list)  # so far, after each step
    searcher: State | None = None  # to go on from
    is_over: bool = False

    def take(self, trial: Trial, *, reward: float) -> None:
        """Take in one trial."""
        self.steps += 1
        if self.best_score is None or trial.score.loss < self.best_score.loss:
            self.best_bits, self.best_score = bits_of(trial.policy), trial.score
        self.best_reward = reward if self.best_reward is None else max(self.best_reward, reward)
        self.best_losses.append(self.best_score.loss)


@dataclass(slots=True, kw_only=True)
class RunState:
    """All that a resumed run needs but the weights, which have checkpoints of their own."""

    config_hash: str = ""  # of the run that this is a state of
    sensitivities: list[LayerSensitivity] = field(default_factory=list)
    scores: dict[Bits, Score] = field(default_factory=dict)  # by policy, in order of scoring
    origins: dict[Bits, Strategy] = field(default_factory=dict)  # who scored it first
    records: dict[Strategy, StrategyRecord] = field(default_factory=dict)
    best_loss: float | None = None  # over all strategies
    stage_seconds: dict[str, float] = field(default_factory=dict)

    def record(self, strategy: Strategy) -> StrategyRecord:
        """Return a strategy's record, a new one if it has none yet."""
        return self.records.setdefault(strategy, StrategyRecord())

    def save(self, path: Path) -> None:
        """Write the state; only plain values, so that it is read back without running code."""
        save_checkpoint(
            path,
            {
                "config_hash": self.config_hash,
                "sensitivities": [to_json(one) for one in self.sensitivities],
                "scores": [
                    (bits, score.accuracy, score.loss, self.origins.get(bits))
                    for bits, score in self.scores.items()
                ],
                "records": {name: asdict(record) for name, record in self.records.items()},
                "best_loss": self.best_loss,
                "stage_seconds": self.stage_seconds,
            },
        )

    @classmethod
    def load(cls, path: Path) -> "RunState | None":
        """Read a state back; None: there is none."""
        saved = load_checkpoint(path)
        if saved is None:
            return None
        rows = [(_bits(bits), *rest) for bits, *rest in saved["scores"]]
        return cls(
            config_hash=saved["config_hash"],
            sensitivities=[from_json(LayerSensitivity, one) for one in saved["sensitivities"]],
            scores={bits: Score(accuracy=acc, loss=loss) for bits, acc, loss, _ in rows},
            origins={bits: origin for bits, _, _, origin in rows if origin},
            records={name: _record(one) for name, one in saved["records"].items()},
            best_loss=saved["best_loss"],
            stage_seconds=saved["stage_seconds"],
        )


def hash_of(config: QuantizeConfig) -> str:
    """Tell one search from another, wherever it runs: a run may go on in a moved folder."""
    checkpoint = config.checkpoint and Path(config.checkpoint).name
    threads = config.effort.policies_at_once  # the fewest it may have
    return digest(replace(config, checkpoint=checkpoint, device="auto", threads=threads))


def _record(saved: Mapping[str, object]) -> StrategyRecord:
    record = StrategyRecord(**saved)  # type: ignore[arg-type]  # what asdict wrote
    if isinstance(record.best_score, dict):
        record.best_score = Score(**record.best_score)
    if record.best_bits is not None:
        record.best_bits = _bits(record.best_bits)
    return record


def _bits(pairs: object) -> Bits:
    return tuple((int(w), int(a)) for w, a in pairs)  # type: ignore[attr-defined]  # a list of pairs
