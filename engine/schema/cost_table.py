"""Tables of times that somebody measured, as one versioned document that its hash names.

A row is a whole inverted bottleneck, or one layer with its batch norm and activation, or one layer
at every pair of widths. Rows are known by shape, so a table prices every network that is made of
its shapes. What it has no row for has no price.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final, Literal

from engine.schema.errors import InvalidConfig
from engine.schema.layers import LayerKind

KernelPrecision = Literal["fp32", "fp16", "bf16", "int8"]
FLOAT_BITS: Final[Mapping[KernelPrecision, int]] = {"fp32": 32, "fp16": 16, "bf16": 16}
Host = Literal["cpu", "cuda"]

ID_PREFIX: Final = "table:"
HASH_DIGITS: Final = 12  # of the document's hash, in its id
GRID_CELLS: Final = 64  # weight bits 1 to 8, for each of them activation bits 1 to 8
MOST_ROWS: Final = 20_000
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,47}")

# Read by the codec: a word it does not know is an error, not a default silently kept.
_STRICT = {"extra": "forbid"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How long one thing takes, in ms for the table's batch."""

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    median_ms: float
    p10_ms: float | None = None  # None: the source does not tell
    p90_ms: float | None = None
    samples: int = 0
    memory_bytes: int | None = None  # the most that was allocated while it ran, on a GPU

    def __post_init__(self) -> None:
        for name in ("median_ms", "p10_ms", "p90_ms"):
            ms = getattr(self, name)
            if ms is not None and not (math.isfinite(ms) and ms > 0):
                raise InvalidConfig(name, f"a time must be a number above 0, got {ms}")


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockRow:
    """An inverted bottleneck, its shortcut included where both ends have one shape."""

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    input_size: int
    in_channels: int
    output_size: int
    out_channels: int
    stride: int
    kernel_size: int
    expansion: int
    times: Mapping[KernelPrecision, Timing]

    @property
    def label(self) -> str:
        """Its shape in words."""
        return (
            f"block {self.input_size}x{self.input_size}x{self.in_channels} -> "
            f"{self.output_size}x{self.output_size}x{self.out_channels} "
            f"k{self.kernel_size} e{self.expansion} s{self.stride}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerRow:
    """One layer with its batch norm and activation; a linear one with the pooling before it."""

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    kind: LayerKind
    kernel_size: int = 1
    stride: int = 1
    groups: int = 1
    dilation: int = 1
    input_size: int = 1
    in_channels: int
    output_size: int = 1
    out_channels: int
    times: Mapping[KernelPrecision, Timing]

    @property
    def label(self) -> str:
        """Its shape in words."""
        if self.kind == "linear":
            return f"linear {self.in_channels} -> {self.out_channels}"
        groups = f" g{self.groups}" if self.kind == "grouped" else ""
        groups += f" d{self.dilation}" if self.dilation > 1 else ""
        return (
            f"{self.kind} {self.input_size}x{self.input_size}x{self.in_channels} -> "
            f"{self.output_size}x{self.output_size}x{self.out_channels} "
            f"k{self.kernel_size} s{self.stride}{groups}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class GridRow:
    """One named layer at every pair of widths, as HAQ's tables have it."""

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    layer: str
    kind: LayerKind
    kernel_size: int = 1
    stride: int = 1
    groups: int = 1
    dilation: int = 1
    input_size: int = 1
    in_channels: int
    output_size: int = 1
    out_channels: int
    latencies_ms: tuple[float, ...]  # GRID_CELLS of them

    def __post_init__(self) -> None:
        if len(self.latencies_ms) != GRID_CELLS:
            raise InvalidConfig(
                "latencies_ms",
                f"{self.layer} needs {GRID_CELLS} times (8 x 8 widths), "
                f"got {len(self.latencies_ms)}",
            )
        for ms in self.latencies_ms:
            if not (math.isfinite(ms) and ms > 0):
                raise InvalidConfig(
                    "latencies_ms", f"a time of {self.layer} must be a number above 0, got {ms}"
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What a table was measured on; times hold for this alone."""

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    processor: str
    features: tuple[str, ...] = ()  # instruction sets that kernels choose by
    accelerator: str = ""
    system: str = ""

    @property
    def title(self) -> str:
        """What it is called in a few words: what its times are of."""
        return self.accelerator or self.processor


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasurementProtocol:
    """How rows were measured."""

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    threads: int
    warmup_runs: int
    warmup_s: float
    samples: int  # at least
    sampling_s: float  # at least
    largest_spread: float  # (p75 - p25) / median beyond which samples are taken again
    largest_drift: float  # of the reference operation, as a share


@dataclass(frozen=True, slots=True, kw_only=True)
class SampledNetwork:
    """A network that was run end to end beside what the table's rows say of it."""

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    label: str
    choices: tuple[int, ...] = ()  # of a space's blocks; (): a stretch of a model
    sum_ms: float  # of its rows
    predicted_ms: float  # alpha x sum + beta
    measured_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class EndToEnd:
    """How well corrected sums tell whole networks, at one precision."""

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    alpha: float
    beta_ms: float
    r2: float
    kendall_tau: float
    mean_error: float  # |predicted - measured| / measured, each left out of its own fit
    networks: tuple[SampledNetwork, ...]

    def __post_init__(self) -> None:
        if not self.networks:
            raise InvalidConfig("networks", "a correction is fitted to at least one network")
        if not (math.isfinite(self.alpha) and self.alpha > 0):
            raise InvalidConfig("alpha", f"must be above 0, got {self.alpha}")
        if not (math.isfinite(self.beta_ms) and self.beta_ms >= 0):
            raise InvalidConfig("beta_ms", f"must not be negative, got {self.beta_ms}")


@dataclass(frozen=True, slots=True, kw_only=True)
class CostTable:
    """Times by shape, with all that one must know to trust them."""

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    version: Literal[1] = 1
    name: str
    title: str
    source: str  # who measured it, or the file it came out of
    provenance: Literal["measured", "table"]  # by a profile run; by somebody else
    batch: int = 1
    subject: str = ""  # the space or model it was made for
    host: Host | None = None  # what a profile run measured
    machine: Machine | None = None
    runtime: str = ""
    protocol: MeasurementProtocol | None = None
    measured_at: str = ""  # ISO 8601, UTC
    blocks: tuple[BlockRow, ...] = ()
    layers: tuple[LayerRow, ...] = ()
    grids: tuple[GridRow, ...] = ()
    end_to_end: Mapping[KernelPrecision, EndToEnd] | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_table_name(self.name)
        if not 1 <= self.batch <= 4096:
            raise InvalidConfig("batch", f"must lie in 1 .. 4096, got {self.batch}")
        if not 1 <= self.rows <= MOST_ROWS:
            raise InvalidConfig("rows", f"a table has 1 to {MOST_ROWS} rows, got {self.rows}")
        if self.grids and (self.blocks or self.layers):
            raise InvalidConfig("grids", "a table has grids alone, or blocks and layers; not both")
        if not self.grids and not self.precisions:
            raise InvalidConfig("times", "no precision is there in every row; give one that is")

    @property
    def rows(self) -> int:
        """How many shapes it knows."""
        return len(self.blocks) + len(self.layers) + len(self.grids)

    @property
    def precisions(self) -> tuple[KernelPrecision, ...]:
        """The precisions that every row of blocks and layers has, the widest first."""
        order: tuple[KernelPrecision, ...] = ("fp32", "bf16", "fp16", "int8")
        times = [row.times for row in self.blocks] + [row.times for row in self.layers]
        return tuple(one for one in order if times and all(one in row for row in times))


def check_table_name(name: str) -> None:
    """Check that a name can stand in a table's id.

    Raises:
        InvalidConfig: it cannot.
    """
    if not _NAME.fullmatch(name):
        raise InvalidConfig(
            "name",
            "must be 1 to 48 small letters, digits, points, hyphens or underscores, a letter or "
            f"digit first; got {name!r}",
        )
