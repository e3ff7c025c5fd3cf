"""The config of a HAQ search: what gets bits, on which device, within what, at what effort."""

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from engine.schema.config_parts import (
    STRICT,
    Device,
    Preset,
    TrainingRecipe,
    check_budgets,
    require,
)
from engine.schema.cost import Budget, Metric
from engine.schema.policy import FLOAT_BITS, MAX_BITS

Granularity = Literal["channel", "tensor"]
Clipping = Literal["mse", "kl", "max"]
Quantizer = Literal["linear", "kmeans"]
SensitivityMeasure = Literal["divergence", "loss", "distance", "hessian"]

FEWEST_GRID_BITS = 2  # a grid around zero of one bit has a single value
FEWEST_LABEL_BITS = 1  # a codebook of one bit has two values


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantizeEffort:
    """How much a HAQ search spends; presets are instances of this."""

    __pydantic_config__: ClassVar[dict[str, str]] = STRICT

    calibration_images: int = 512  # from train: clipping thresholds
    sensitivity_images: int = 128  # from search: loss by layer and bits
    score_images: int = 512  # from search: episodes of every strategy
    evaluations: int = 40  # policies scored by hill climbing and by random search, each
    episodes: int = 40  # of the agent
    policies_at_once: int = 1  # proposed, and scored, before the first of them is learnt from
    finetune_epochs: int = 1
    finetune_images: int = 10_000
    finetune_learning_rate: float = 0.03  # peak
    finetune_batch_size: int = 128
    finetune_contenders: int = 1  # the best few that are fine-tuned beside the baselines
    # The share of the loss that asks for the float network's probabilities; the rest asks for
    # labels. With labels alone 0.01 is the better learning rate.
    finetune_distillation: float = 1.0
    finetune_temperature: float = 2.0  # of both networks' probabilities while they are compared
    finetune_ranges: bool = True  # where activations are cut off is learnt too
    finetune_references: bool = False  # float and fixed 8 bit too, under the same recipe
    report_images: int = 10_000  # from report: what the result's accuracies are of

    def __post_init__(self) -> None:
        for name in ("episodes", "evaluations", "policies_at_once", "finetune_contenders"):
            count = getattr(self, name)
            require(count >= 1, f"effort.{name}", f"must be at least 1, got {count}")
        for name in ("calibration_images", "sensitivity_images", "score_images", "report_images"):
            count = getattr(self, name)
            require(count >= 16, f"effort.{name}", f"must be at least 16 images, got {count}")
        for name in ("finetune_epochs", "finetune_images"):
            count = getattr(self, name)
            require(count >= 0, f"effort.{name}", f"must not be negative, got {count}")
        require(
            self.finetune_batch_size >= 2,
            "effort.finetune_batch_size",
            f"must be at least 2, got {self.finetune_batch_size}",
        )
        require(
            self.finetune_learning_rate > 0,
            "effort.finetune_learning_rate",
            f"must be above 0, got {self.finetune_learning_rate:g}",
        )
        require(
            0 <= self.finetune_distillation <= 1,
            "effort.finetune_distillation",
            f"is a share and must lie in 0 .. 1, got {self.finetune_distillation:g}",
        )
        require(
            self.finetune_temperature > 0,
            "effort.finetune_temperature",
            f"must be above 0, got {self.finetune_temperature:g}",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantizeConfig:
    """A HAQ search: bits for the weights and activations of every layer, under a budget."""

    __pydantic_config__: ClassVar[dict[str, str]] = STRICT

    kind: Literal["quantize"] = "quantize"
    model: str
    dataset: str
    target: str
    # Of the whole network. With `accuracy_drop`, what holds beside it; there may be none.
    budgets: tuple[Budget, ...] = ()
    # The other question: the smallest cost at which no more accuracy than this (0-1) is lost.
    accuracy_drop: float | None = None
    objective: Metric | None = None  # the cost that is to be small; only with `accuracy_drop`
    quantizer: Quantizer = "linear"  # kmeans: codebooks of weights, activations stay float
    checkpoint: str | None = None  # safetensors with float weights; None: shipped or trained
    weight_bits: tuple[int, ...] = (2, 3, 4, 5, 6, 7, 8)
    activation_bits: tuple[int, ...] = (2, 3, 4, 5, 6, 7, 8)
    granularity: Granularity = "channel"
    clipping: Clipping = "mse"
    sensitivity: SensitivityMeasure = "divergence"
    faithful: bool = False  # the original's enforcement, replay and reward, for comparison
    preset: Preset = "custom"  # a label; `effort` is what counts
    effort: QuantizeEffort = field(default_factory=QuantizeEffort)
    recipe: TrainingRecipe = field(default_factory=TrainingRecipe)
    seed: int = 0
    device: Device = "auto"
    threads: int = 1

    def __post_init__(self) -> None:
        for name in ("model", "dataset", "target"):
            require(bool(getattr(self, name)), name, "is required; choose one")
        self._check_question()
        lowest = FEWEST_LABEL_BITS if self.quantizer == "kmeans" else FEWEST_GRID_BITS
        _check_bits("weight_bits", self.weight_bits, lowest)
        _check_bits("activation_bits", self.activation_bits, FEWEST_GRID_BITS)
        require(0 <= self.seed < 2**32, "seed", f"must lie in 0 .. 2^32 - 1, got {self.seed}")
        require(self.threads >= 1, "threads", f"must be at least 1, got {self.threads}")
        require(
            self.effort.policies_at_once <= self.threads,
            "effort.policies_at_once",
            f"must be at most the CPU threads, {self.threads}, got "
            f"{self.effort.policies_at_once}; score fewer at once or allow more threads",
        )

    @property
    def policy_activation_bits(self) -> tuple[int, ...]:
        """The activation widths that a policy may have: those asked for, or float alone."""
        return (FLOAT_BITS,) if self.quantizer == "kmeans" else self.activation_bits

    @property
    def limited_metric(self) -> Metric:
        """The metric that the search is about."""
        return self.budgets[0].metric if self.objective is None else self.objective

    def _check_question(self) -> None:
        drop = self.accuracy_drop
        if drop is None:
            check_budgets(self.budgets)
            require(
                self.objective is None,
                "objective",
                "is for the question with accuracy_drop; give that too, or a budget instead",
            )
            return
        require(0 <= drop < 1, "accuracy_drop", f"must lie in 0 .. 1, got {drop:g}")
        require(self.objective is not None, "objective", "is required beside accuracy_drop")
        if self.budgets:
            check_budgets(self.budgets)
        require(
            all(budget.metric != self.objective for budget in self.budgets),
            "budgets",
            f"limit {self.objective}, which is to be as small as it can; leave that one out",
        )


def _check_bits(name: str, bits: tuple[int, ...], lowest: int) -> None:
    require(bool(bits), name, "at least one width is required")
    require(
        all(lowest <= width <= MAX_BITS for width in bits),
        name,
        f"widths must lie in {lowest} .. {MAX_BITS}, got {list(bits)}",
    )
    require(
        list(bits) == sorted(set(bits)), name, f"must be ascending, each once; got {list(bits)}"
    )
