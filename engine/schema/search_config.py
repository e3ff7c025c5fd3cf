"""The config of a ProxylessNAS search: the space, the device, the budgets, and how it learns."""

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
from engine.schema.cost import Budget
from engine.schema.space_shape import SpaceShape

Algorithm = Literal["gradient", "reinforce"]
GateMode = Literal["two", "full_v2", "full"]
ZeroGradient = Literal["all", "regulariser", "none"]
Sharing = Literal["shared", "private"]
HardwareLoss = Literal["dual", "mul_log", "add_linear", "hinge", "none"]
StartingWeights = Literal["scratch", "inherited"]
Precision = Literal["fp32", "bf16", "fp16"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchEffort:
    """How much a ProxylessNAS search spends, and how fast it learns.

    The defaults are for minutes on small images; the paper's are in its preset.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = STRICT

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
            require(count >= 1, f"effort.{name}", f"must be at least 1, got {count}")
        for name in ("warmup_epochs", "random_networks", "frozen_epochs"):
            count = getattr(self, name)
            require(count >= 0, f"effort.{name}", f"must not be negative, got {count}")
        for name in ("train_images", "search_images", "final_images", "report_images"):
            count = getattr(self, name)
            require(count >= 16, f"effort.{name}", f"must be at least 16 images, got {count}")
        for name in ("policy_images", "rescore_images"):
            count = getattr(self, name)
            require(count >= 16, f"effort.{name}", f"must be at least 16 images, got {count}")
        require(
            self.batch_size >= 2,
            "effort.batch_size",
            f"must be at least 2, got {self.batch_size}",
        )
        require(
            self.batch_size <= min(self.train_images, self.search_images),
            "effort.batch_size",
            f"must be at most the images of an epoch, got {self.batch_size}",
        )
        require(
            self.frozen_epochs < self.epochs,
            "effort.frozen_epochs",
            f"must be below the epochs, {self.epochs}, got {self.frozen_epochs}",
        )
        for name in ("weight_decay", "settled_entropy"):
            value = getattr(self, name)
            require(value >= 0, f"effort.{name}", f"must not be negative, got {value:g}")
        require(
            0 <= self.label_smoothing < 1,
            "effort.label_smoothing",
            f"is a share and must lie in 0 .. 1, below 1, got {self.label_smoothing:g}",
        )
        for name in ("warmup_learning_rate", "weight_learning_rate", "architecture_learning_rate"):
            rate = getattr(self, name)
            require(rate > 0, f"effort.{name}", f"must be above 0, got {rate:g}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchConfig:
    """A ProxylessNAS search: an operation for every block of a space, under a budget.

    Source: Cai et al. 2019 (ProxylessNAS).
    """

    __pydantic_config__: ClassVar[dict[str, str]] = STRICT

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
            require(bool(getattr(self, name)), name, "is required; choose one")
        check_budgets(self.budgets)
        require(
            self.hardware_strength is None or self.hardware_strength > 0,
            "hardware_strength",
            f"must be above 0, got {self.hardware_strength}",
        )
        require(
            self.pricing_bits is None or 1 <= self.pricing_bits <= 8,
            "pricing_bits",
            f"must lie in 1 .. 8, got {self.pricing_bits}",
        )
        require(0 <= self.seed < 2**32, "seed", f"must lie in 0 .. 2^32 - 1, got {self.seed}")
        require(self.threads >= 1, "threads", f"must be at least 1, got {self.threads}")

    @property
    def model(self) -> str:
        """What the run is about, in lists of runs: here the space."""
        return self.space
