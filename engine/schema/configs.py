"""Configs: all that a run depends on. One validation for form, command line, API and tests."""

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from engine.schema.cost import Budget, Metric
from engine.schema.errors import InvalidConfig
from engine.schema.policy import FLOAT_BITS, MAX_BITS
from engine.schema.profile_config import ProfileConfig
from engine.schema.space_shape import SpaceShape

Device = Literal["auto", "cpu", "cuda"]
Granularity = Literal["channel", "tensor"]
Clipping = Literal["mse", "kl", "max"]
Quantizer = Literal["linear", "kmeans"]
SensitivityMeasure = Literal["divergence", "loss", "distance", "hessian"]
Preset = Literal["smoke", "balanced", "thorough", "paper", "custom"]
Algorithm = Literal["gradient", "reinforce"]
GateMode = Literal["two", "full_v2", "full"]
ZeroGradient = Literal["all", "regulariser", "none"]
Sharing = Literal["shared", "private"]
HardwareLoss = Literal["dual", "mul_log", "add_linear", "hinge", "none"]
StartingWeights = Literal["scratch", "inherited"]
Precision = Literal["fp32", "bf16", "fp16"]

FEWEST_GRID_BITS = 2  # a grid around zero of one bit has a single value
FEWEST_LABEL_BITS = 1  # a codebook of one bit has two values

# Read by the codec: a word it does not know is an error, not a default silently kept.
_STRICT = {"extra": "forbid"}


def _require(condition: bool, field_name: str, message: str) -> None:
    if not condition:
        raise InvalidConfig(field_name, message)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRecipe:
    """How float weights are trained: SGD with Nesterov momentum on a one-cycle schedule."""

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    epochs: int = 6
    batch_size: int = 128
    learning_rate: float = 0.2  # peak
    weight_decay: float = 4e-5
    label_smoothing: float = 0.1

    def __post_init__(self) -> None:
        _require(self.epochs >= 1, "recipe.epochs", f"must be at least 1, got {self.epochs}")
        _require(
            self.batch_size >= 2, "recipe.batch_size", f"must be at least 2, got {self.batch_size}"
        )
        _require(
            self.learning_rate > 0,
            "recipe.learning_rate",
            f"must be above 0, got {self.learning_rate:g}",
        )
        _require(
            self.weight_decay >= 0,
            "recipe.weight_decay",
            f"must not be negative, got {self.weight_decay:g}",
        )
        _require(
            0 <= self.label_smoothing < 1,
            "recipe.label_smoothing",
            f"is a share and must lie in 0 .. 1, below 1, got {self.label_smoothing:g}",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantizeEffort:
    """How much a HAQ search spends; presets are instances of this."""

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

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
            _require(count >= 1, f"effort.{name}", f"must be at least 1, got {count}")
        for name in ("calibration_images", "sensitivity_images", "score_images", "report_images"):
            count = getattr(self, name)
            _require(count >= 16, f"effort.{name}", f"must be at least 16 images, got {count}")
        for name in ("finetune_epochs", "finetune_images"):
            count = getattr(self, name)
            _require(count >= 0, f"effort.{name}", f"must not be negative, got {count}")
        _require(
            self.finetune_batch_size >= 2,
            "effort.finetune_batch_size",
            f"must be at least 2, got {self.finetune_batch_size}",
        )
        _require(
            self.finetune_learning_rate > 0,
            "effort.finetune_learning_rate",
            f"must be above 0, got {self.finetune_learning_rate:g}",
        )
        _require(
            0 <= self.finetune_distillation <= 1,
            "effort.finetune_distillation",
            f"is a share and must lie in 0 .. 1, got {self.finetune_distillation:g}",
        )
        _require(
            self.finetune_temperature > 0,
            "effort.finetune_temperature",
            f"must be above 0, got {self.finetune_temperature:g}",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantizeConfig:
    """A HAQ search: bits for the weights and activations of every layer, under a budget."""

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

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
            _require(bool(getattr(self, name)), name, "is required; choose one")
        self._check_question()
        lowest = FEWEST_LABEL_BITS if self.quantizer == "kmeans" else FEWEST_GRID_BITS
        _check_bits("weight_bits", self.weight_bits, lowest)
        _check_bits("activation_bits", self.activation_bits, FEWEST_GRID_BITS)
        _require(0 <= self.seed < 2**32, "seed", f"must lie in 0 .. 2^32 - 1, got {self.seed}")
        _require(self.threads >= 1, "threads", f"must be at least 1, got {self.threads}")

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
            _check_budgets(self.budgets)
            _require(
                self.objective is None,
                "objective",
                "is for the question with accuracy_drop; give that too, or a budget instead",
            )
            return
        _require(0 <= drop < 1, "accuracy_drop", f"must lie in 0 .. 1, got {drop:g}")
        _require(self.objective is not None, "objective", "is required beside accuracy_drop")
        if self.budgets:
            _check_budgets(self.budgets)
        _require(
            all(budget.metric != self.objective for budget in self.budgets),
            "budgets",
            f"limit {self.objective}, which is to be as small as it can; leave that one out",
        )


def _check_bits(name: str, bits: tuple[int, ...], lowest: int) -> None:
    _require(bool(bits), name, "at least one width is required")
    _require(
        all(lowest <= width <= MAX_BITS for width in bits),
        name,
        f"widths must lie in {lowest} .. {MAX_BITS}, got {list(bits)}",
    )
    _require(
        list(bits) == sorted(set(bits)), name, f"must be ascending, each once; got {list(bits)}"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchEffort:
    """How much a ProxylessNAS search spends, and how fast it learns.

    The defaults are for minutes on small images; the paper's are in its preset.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    train_images: int = 10_000  # of train: the supernet's weights
    search_images: int = 5_000  # of search: architecture parameters, scores
    batch_size: int = 64
    warmup_epochs: int = 2  # weights alone
    epochs: int = 4  # weights and architecture parameters in turn
    warmup_learning_rate: float = 0.2
    weight_learning_rate: float = 0.1
    weight_decay: float = 4e-5
    label_smoothing: float = 0.1
    architecture_learning_rate: float = 0.08
    architecture_every: int = 1  # weight steps for each architecture step
    frozen_epochs: int = 0  # of `epochs`, at their beginning: the architecture does not learn yet
    policy_every: int = 4  # REINFORCE: weight steps for each update
    policy_samples: int = 8  # REINFORCE: architectures for each update
    policy_images: int = 200  # REINFORCE: search images that all samples of an update see
    settled_entropy: float = 0.2  # nats for each block; below it the search ends early
    settled_epochs: int = 5  # with the same argmax within the budgets; it then ends early too
    rescored: int = 24  # candidates scored anew with their own batch statistics
    rescore_images: int = 2_000
    random_networks: int = 5  # feasible ones, drawn and trained as a baseline
    final_images: int = 10_000  # of train: the found network and its baselines
    report_images: int = 10_000

    def __post_init__(self) -> None:
        for name in (
            "epochs",
            "architecture_every",
            "policy_every",
            "policy_samples",
            "rescored",
            "settled_epochs",
        ):
            count = getattr(self, name)
            _require(count >= 1, f"effort.{name}", f"must be at least 1, got {count}")
        for name in ("warmup_epochs", "random_networks", "frozen_epochs"):
            count = getattr(self, name)
            _require(count >= 0, f"effort.{name}", f"must not be negative, got {count}")
        for name in ("train_images", "search_images", "final_images", "report_images"):
            count = getattr(self, name)
            _require(count >= 16, f"effort.{name}", f"must be at least 16 images, got {count}")
        for name in ("policy_images", "rescore_images"):
            count = getattr(self, name)
            _require(count >= 16, f"effort.{name}", f"must be at least 16 images, got {count}")
        _require(
            self.batch_size >= 2,
            "effort.batch_size",
            f"must be at least 2, got {self.batch_size}",
        )
        _require(
            self.batch_size <= min(self.train_images, self.search_images),
            "effort.batch_size",
            f"must be at most the images of an epoch, got {self.batch_size}",
        )
        _require(
            self.frozen_epochs < self.epochs,
            "effort.frozen_epochs",
            f"must be below the epochs, {self.epochs}, got {self.frozen_epochs}",
        )
        for name in ("weight_decay", "settled_entropy"):
            value = getattr(self, name)
            _require(value >= 0, f"effort.{name}", f"must not be negative, got {value:g}")
        _require(
            0 <= self.label_smoothing < 1,
            "effort.label_smoothing",
            f"is a share and must lie in 0 .. 1, below 1, got {self.label_smoothing:g}",
        )
        for name in ("warmup_learning_rate", "weight_learning_rate", "architecture_learning_rate"):
            rate = getattr(self, name)
            _require(rate > 0, f"effort.{name}", f"must be above 0, got {rate:g}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchConfig:
    """A ProxylessNAS search: an operation for every block of a space, under a budget.

    Source: Cai et al. 2019 (ProxylessNAS).
    """

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    kind: Literal["search"] = "search"
    space: str
    dataset: str
    target: str
    budgets: tuple[Budget, ...]  # of the whole network
    shape: SpaceShape = field(default_factory=SpaceShape)  # how the space departs from its entry
    algorithm: Algorithm = "gradient"
    gate_mode: GateMode = "two"
    zero_gradient: ZeroGradient = "all"
    sharing: Sharing = "shared"
    hardware_loss: HardwareLoss = "dual"
    # Weight of the hardware term: alpha of mul_log, lambda of add_linear and hinge, step of dual.
    # None: the paper's or the default of that loss.
    hardware_strength: float | None = None
    pricing_bits: int | None = None  # None: float where the target has it, else 8
    starting_weights: StartingWeights = "scratch"  # of the found network's training
    preset: Preset = "custom"  # a label; `effort` is what counts
    effort: SearchEffort = field(default_factory=SearchEffort)
    recipe: TrainingRecipe = field(default_factory=TrainingRecipe)  # of every final network
    seed: int = 0
    device: Device = "auto"
    precision: Precision = "fp32"
    threads: int = 1

    def __post_init__(self) -> None:
        for name in ("space", "dataset", "target"):
            _require(bool(getattr(self, name)), name, "is required; choose one")
        _check_budgets(self.budgets)
        _require(
            self.hardware_strength is None or self.hardware_strength > 0,
            "hardware_strength",
            f"must be above 0, got {self.hardware_strength}",
        )
        _require(
            self.pricing_bits is None or 1 <= self.pricing_bits <= 8,
            "pricing_bits",
            f"must lie in 1 .. 8, got {self.pricing_bits}",
        )
        _require(0 <= self.seed < 2**32, "seed", f"must lie in 0 .. 2^32 - 1, got {self.seed}")
        _require(self.threads >= 1, "threads", f"must be at least 1, got {self.threads}")

    @property
    def model(self) -> str:
        """What the run is about, in lists of runs: here the space."""
        return self.space


def _check_budgets(budgets: tuple[Budget, ...]) -> None:
    _require(bool(budgets), "budgets", "at least one is required")
    metrics = [budget.metric for budget in budgets]
    _require(len(set(metrics)) == len(metrics), "budgets", "each metric may stand once")
    for budget in budgets:
        _require(
            budget.limit > 0, "budgets", f"{budget.metric} must be above 0, got {budget.limit:g}"
        )


# Every kind of run. A new algorithm adds its config here.
Config = QuantizeConfig | SearchConfig | ProfileConfig
