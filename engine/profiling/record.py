"""What a profile run has measured so far, saved so that a killed run goes on from there."""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import ClassVar

from engine.profiling.stopwatch import LARGEST_DRIFT
from engine.schema.codec import from_json, to_json
from engine.schema.cost_table import KernelPrecision, Machine, Timing
from engine.schema.errors import InvalidConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredItem:
    """A part or network at one precision."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    label: str
    precision: KernelPrecision
    is_network: bool
    timing: Timing
    is_steady: bool
    spread: float
    attempts: int
    rejected: int
    segment: int  # of the run, between two measurements of the reference


@dataclass(slots=True, kw_only=True)
class ProfileState:
    """All that a resumed run needs."""

    config_hash: str
    machine: Machine
    runtime: str
    items: list[MeasuredItem] = field(default_factory=list)
    references_ms: list[float] = field(default_factory=list)  # at the start of each segment
    stage_seconds: dict[str, float] = field(default_factory=dict)
    checkpoint: int = 0  # how many items were there when a checkpoint was told of

    def item(
        self, label: str, precision: KernelPrecision, *, is_network: bool
    ) -> MeasuredItem | None:
        """Return what was measured of a part or network; None: nothing yet."""
        return next(
            (
                item
                for item in self.items
                if (item.label, item.precision, item.is_network) == (label, precision, is_network)
            ),
            None,
        )

    @property
    def drifts(self) -> list[float]:
        """How slow the machine was in each segment, as a share of its usual speed."""
        usual = median(self.references_ms)
        ends = [*self.references_ms[1:], self.references_ms[-1]]
        pairs = zip(self.references_ms, ends, strict=True)
        return [(one + other) / 2 / usual for one, other in pairs]

    def settled_ms(self, item: MeasuredItem) -> float:
        """Return an item's median, rescaled where the machine drifted while it was measured."""
        return item.timing.median_ms / self.correction(item)

    def correction(self, item: MeasuredItem) -> float:
        """Return what to divide an item's times by; 1 where the machine kept its speed."""
        drift = self.drifts[item.segment]
        return drift if abs(drift - 1) > LARGEST_DRIFT else 1.0

    def save(self, path: Path) -> None:
        """Write the state aside, then rename it: a kill leaves the old one or the new one."""
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(f"{path.name}.partial")
        with aside.open("w", encoding="utf-8") as file:
            json.dump(to_json(self), file)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)

    @classmethod
    def load(cls, path: Path) -> "ProfileState | None":
        """Read a state back; None: there is none that can be read."""
        try:
            return from_json(cls, json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, InvalidConfig):
            return None
