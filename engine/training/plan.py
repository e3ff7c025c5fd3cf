"""How far a run is: its stages' shares of the work, and the time that is left."""

import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from engine.schema.events import Event, Progress, Stage

_STAGES: tuple[Stage, ...] = (
    "preparing",
    "training",
    "sensitivity",
    "searching",
    "finetuning",
    "exporting",
)
# An estimate is shown once this much was seen of the run; before that it jumps.
_SHOWN_AFTER_S = 5.0
_SHOWN_AFTER_FRACTION = 0.05
_WINDOW = 40  # progress events that the pace is taken from
_APPROACH = 0.25  # of the time left: how long two thirds of a correction take


class Plan:
    """The stages' spans of the whole run's progress, by their expected work in any one unit."""

    def __init__(self, work: Mapping[Stage, float]) -> None:
        total = sum(work.values())
        self._spans: dict[Stage, tuple[float, float]] = {}
        done = 0.0
        for stage in _STAGES:
            ahead = done + work.get(stage, 0.0) / total
            self._spans[stage] = (done, ahead)
            done = ahead

    def span(self, stage: Stage, part: tuple[float, float] = (0.0, 1.0)) -> tuple[float, float]:
        """Return the part of 0 .. 1 that a stage, or a part of the stage, fills."""
        low, high = self._spans[stage]
        return low + (high - low) * part[0], low + (high - low) * part[1]

    def progress(self, stage: Stage, done: int, total: int, unit: str) -> Progress:
        """Return the event that says how far a stage is."""
        low, high = self._spans[stage]
        share = done / total if total else 1.0
        fraction = min(1.0, low + (high - low) * share)
        return Progress(stage=stage, done=done, total=total, unit=unit, fraction=fraction)


def with_eta(
    events: Iterable[Event], *, clock: Callable[[], float] = time.monotonic
) -> Iterator[Event]:
    """Pass events on, each progress with the seconds left once the pace is known."""
    started = clock()
    first: float | None = None
    estimate = _Estimate()
    for event in events:
        if not isinstance(event, Progress):
            yield event
            continue
        now = clock()
        first = event.fraction if first is None else first
        left_s = estimate.at(now, event.fraction)
        stable = now - started >= _SHOWN_AFTER_S and event.fraction - first >= _SHOWN_AFTER_FRACTION
        yield replace(event, eta_s=left_s) if stable else event


class _Estimate:
    """The seconds left, from the latest pace, approached and not jumped to.

    Stages' shares are guesses, so the pace changes where one ends. What was told before runs
    down with the clock, and moves towards the new estimate as fast as time passes.
    """

    def __init__(self) -> None:
        self._seen: deque[tuple[float, float]] = deque(maxlen=_WINDOW)
        self._told: float | None = None

    def at(self, now: float, fraction: float) -> float | None:
        """Take in how far the run is; None: there is no pace yet."""
        passed = now - self._seen[-1][0] if self._seen else 0.0
        self._seen.append((now, fraction))
        (then, before), _ = self._seen[0], self._seen[-1]
        if fraction > before:
            fresh = (1.0 - fraction) * (now - then) / (fraction - before)
            self._told = fresh if self._told is None else self._nearer(fresh, passed)
        return None if self._told is None else round(self._told, 1)

    def _nearer(self, fresh: float, passed: float) -> float:
        assert self._told is not None
        run_down = max(0.0, self._told - passed)
        # The less is left, the sooner it must be right.
        weight = 1.0 - math.exp(-passed / max(1.0, _APPROACH * fresh))
        return run_down + weight * (fresh - run_down)
