"""Profiles that take a second: few samples, small networks."""

from collections.abc import Iterable

from engine.schema.events import Event, RunFinished
from engine.schema.profile_config import ProfileConfig, ProfileEffort
from engine.schema.results import ProfileResult

QUICK = ProfileEffort(
    warmup_runs=3, warmup_s=0, samples=5, sampling_s=0.005, longest_s=0.05, retries=0, networks=6
)


def quick_config(**fields: object) -> ProfileConfig:
    """Return a profile of the smallest model."""
    known: dict[str, object] = {"name": "quick", "subject": "mobilenet_v1_small", "effort": QUICK}
    return ProfileConfig(**{**known, **fields})  # type: ignore[arg-type]


def result_of(events: Iterable[Event]) -> ProfileResult:
    """Return what the last event delivers."""
    *_, last = events
    assert isinstance(last, RunFinished)
    assert isinstance(last.result, ProfileResult)
    return last.result
