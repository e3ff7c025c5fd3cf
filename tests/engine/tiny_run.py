"""Whole runs in seconds: a shipped network on Fashion-MNIST, and constants of a tiny search."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from engine.haq.ddpg import AgentSettings
from engine.run import run
from engine.schema.codec import to_json
from engine.schema.configs import Config
from engine.schema.cost import Budget
from engine.schema.events import Event, RunFinished
from engine.schema.places import Places
from engine.schema.quantize_config import QuantizeConfig, QuantizeEffort
from engine.schema.results import Result
from engine.training.interrupt import Interrupt, Stopped
from tests.configs import quantize_config

TINY = QuantizeEffort(
    calibration_images=32,
    sensitivity_images=16,
    score_images=32,
    evaluations=3,
    episodes=3,
    finetune_images=64,
    finetune_batch_size=32,
    report_images=64,
)
# The small MobileNetV1 reaches 12 to 190 million.
BUDGET = Budget(metric="bit_ops", limit=6e7)
# What differs from one run to the next: time, and the log that tells it.
_PASSING = frozenset(
    {
        "eta_s",
        "first_seconds",
        "search_seconds",
        "second_seconds",
        "stage_seconds",
        "training_seconds",
        "versions",
    }
)


def tiny_config(**changes: Any) -> QuantizeConfig:
    """Return the config of a whole run."""
    settings: dict[str, Any] = {
        "model": "mobilenet_v1_small",
        "budgets": (BUDGET,),
        "effort": TINY,
        **changes,
    }
    return quantize_config(**settings)


@contextmanager
def small_constants() -> Iterator[None]:
    """Make the agent small and judge epochs by few images: a run takes a third of the time."""
    with pytest.MonkeyPatch.context() as patch:
        small = AgentSettings(hidden=32, imitation_steps=40)
        patch.setattr(AgentSettings, "for_episodes", lambda _: small)
        patch.setattr("engine.training.fit.SEARCH_IMAGES", 128)
        patch.setattr("engine.haq.measurements.SEARCH_IMAGES", 128)
        yield


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A run that has come to its end."""

    workdir: Path
    events: list[Event]

    @property
    def result(self) -> Result:
        """Its result."""
        last = self.events[-1]
        assert isinstance(last, RunFinished)
        return last.result

    @property
    def lasting(self) -> Any:
        """Its result but for what hangs on the clock."""
        return lasting(self.result)

    def artifact(self, name: str) -> Path:
        """Where a file lies."""
        return self.workdir / next(a.path for a in self.result.artifacts if a.name == name)


def events_of(
    config: Config, folder: Path, *, interrupt: Interrupt | None = None
) -> Iterator[Event]:
    """Start a run, or go on with the one in this folder."""
    places = Places(data_root=folder / "data", weights_store=folder / "weights")
    return run(config, folder / "run", places=places, interrupt=interrupt)


def finished(
    config: Config, folder: Path, *, finish: Callable[[Event], bool] | None = None
) -> Finished:
    """Run to the end; asked to finish after the first event that `finish` tells."""
    interrupt, events = Interrupt(), []
    for event in events_of(config, folder, interrupt=interrupt):
        events.append(event)
        if finish is not None and finish(event):
            interrupt.requested = "finish"
    return Finished(workdir=folder / "run", events=events)


def stop(config: Config, folder: Path, *, after: Callable[[Event], bool]) -> list[Event]:
    """Run until asked to stop after the first event that `after` tells."""
    interrupt, events = Interrupt(), []
    try:
        for event in events_of(config, folder, interrupt=interrupt):
            events.append(event)
            if after(event):
                interrupt.requested = "stop"
    except Stopped:
        return events
    raise AssertionError("the run came to its end")


def abandon(config: Config, folder: Path, *, after: Callable[[Event], bool]) -> None:
    """Run and leave at the first event that `after` tells, as a killed process does."""
    events = events_of(config, folder)
    for event in events:
        if after(event):
            return
    raise AssertionError("the run came to its end")


def lasting(value: object) -> Any:
    """Return an event or a result as JSON, without what hangs on the clock."""
    return _without_passing(to_json(value))


def _without_passing(value: Any) -> Any:
    if isinstance(value, dict):
        is_log = value.get("role") in ("log", "report")
        dropped = _PASSING | ({"size", "sha256"} if is_log else frozenset())
        return {key: _without_passing(one) for key, one in value.items() if key not in dropped}
    if isinstance(value, list):
        return [_without_passing(one) for one in value]
    return value
