"""The config of a profile run: what is measured, where, and how carefully."""

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from engine.schema.config_parts import STRICT, require
from engine.schema.cost import Budget
from engine.schema.cost_table import Host, KernelPrecision, check_table_name
from engine.schema.space_shape import SpaceShape

ProfilePreset = Literal["smoke", "balanced", "thorough", "custom"]

_ON_HOST: dict[Host, tuple[KernelPrecision, ...]] = {
    "cpu": ("fp32", "int8"),
    "cuda": ("fp32", "fp16", "bf16"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileEffort:
    """How long each measurement takes, and how many whole networks check the table."""

    __pydantic_config__: ClassVar[dict[str, str]] = STRICT

    warmup_runs: int = 10
    warmup_s: float = 0.2
    samples: int = 30  # at least
    sampling_s: float = 0.5  # at least
    longest_s: float = 5.0  # of one attempt, whatever the two above say
    retries: int = 3  # where samples scatter too much
    networks: int = 20  # drawn at random and run end to end

    def __post_init__(self) -> None:
        for name in ("warmup_runs", "retries"):
            count = getattr(self, name)
            require(0 <= count <= 1000, f"effort.{name}", f"must lie in 0 .. 1000, got {count}")
        require(
            5 <= self.samples <= 10_000,
            "effort.samples",
            f"must lie in 5 .. 10000, got {self.samples}",
        )
        for name in ("warmup_s", "sampling_s"):
            seconds = getattr(self, name)
            require(0 <= seconds <= 60, f"effort.{name}", f"must lie in 0 .. 60, got {seconds:g}")
        require(
            max(self.sampling_s, 0.01) <= self.longest_s <= 600,
            "effort.longest_s",
            f"must lie between sampling_s and 600, got {self.longest_s:g}",
        )
        require(
            self.networks == 0 or 5 <= self.networks <= 500,
            "effort.networks",
            f"must be 0 (no check) or lie in 5 .. 500, got {self.networks}",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileConfig:
    """A profile run: every distinct block of a space, or layer of a model, timed on this host."""

    __pydantic_config__: ClassVar[dict[str, str]] = STRICT

    kind: Literal["profile"] = "profile"
    name: str  # of the table
    subject: str  # id of a search space or of a model
    dataset: str = ""  # its channels, size and classes; "": those of the space or model itself
    shape: SpaceShape = field(default_factory=SpaceShape)  # how a space departs from its entry
    device: Host = "cpu"
    precisions: tuple[KernelPrecision, ...] = ()  # (): all that the device has
    batch: int = 1
    threads: int = 1
    preset: ProfilePreset = "custom"  # a label; `effort` is what counts
    effort: ProfileEffort = field(default_factory=ProfileEffort)
    seed: int = 0  # of the networks that are drawn

    def __post_init__(self) -> None:
        for name in ("name", "subject"):
            require(bool(getattr(self, name)), name, "is required; choose one")
        check_table_name(self.name)
        possible = _ON_HOST[self.device]
        for precision in self.precisions:
            require(
                precision in possible,
                "precisions",
                f"there are no {precision} kernels for whole blocks on {self.device}; "
                f"choose among {', '.join(possible)}",
            )
        require(
            len(set(self.precisions)) == len(self.precisions), "precisions", "each may stand once"
        )
        require(1 <= self.batch <= 1024, "batch", f"must lie in 1 .. 1024, got {self.batch}")
        require(1 <= self.threads <= 256, "threads", f"must lie in 1 .. 256, got {self.threads}")
        require(0 <= self.seed < 2**32, "seed", f"must lie in 0 .. 2^32 - 1, got {self.seed}")

    @property
    def measured(self) -> tuple[KernelPrecision, ...]:
        """The precisions that are measured."""
        return self.precisions or _ON_HOST[self.device]

    @property
    def model(self) -> str:
        """What the run is about, in lists of runs: here the space or model."""
        return self.subject

    @property
    def budgets(self) -> tuple[Budget, ...]:
        """It measures and asks for nothing to be kept."""
        return ()

    @property
    def target(self) -> str:
        """The host that is measured, by its id."""
        return "host-gpu" if self.device == "cuda" else "host-cpu"
