"""How far a run is: its stages' shares of the work, and the time that is left."""

import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
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


def with_eta(events: Iterable[Event]) -> Iterator[Event]:
    """Pass events on, each progress with the seconds left once the pace is known."""
    started = time.monotonic()
    first: float | None = None
    seen: deque[tuple[float, float]] = deque(maxlen=_WINDOW)
    for event in events:
        if not isinstance(event, Progress):
            yield event
            continue
        now = time.monotonic()
        first = event.fraction if first is None else first
        seen.append((now, event.fraction))
        stable = now - started >= _SHOWN_AFTER_S and event.fraction - first >= _SHOWN_AFTER_FRACTION
        yield replace(event, eta_s=_eta_s(seen)) if stable else event


def _eta_s(seen: deque[tuple[float, float]]) -> float | None:
    (then, before), (now, fraction) = seen[0], seen[-1]
    if fraction <= before:
        return None
    return round((1.0 - fraction) * (now - then) / (fraction - before), 1)
