"""One measurement: warm-up, samples until there are enough, those that were disturbed left out.

A sample is a loop of runs that takes a millisecond or more. One during which the system took the
processor away is dropped; where hardly any is left in peace, since a run outlasts the system's time
slices, the time that the run itself had the processor counts instead. Samples that scatter too much
are taken again.
"""

import time
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from engine.schema.cost_table import MeasurementProtocol, Timing
from engine.schema.profile_config import ProfileConfig

LARGEST_SPREAD: Final = 0.05  # (p75 - p25) / median
LARGEST_DRIFT: Final = 0.05
_SHORTEST_SAMPLE_S = 1e-3
_MOST_LOOPS = 100_000
_FEWEST = 5


class Runner(Protocol):
    """Something that can be run again and again."""

    @property
    def memory_bytes(self) -> int | None:
        """The most that one run allocates, weights included; None: it is not known."""
        ...

    def run(self, times: int) -> float:
        """Run that many times in a row and return the seconds they took in all."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """A timing, and how it came about."""

    timing: Timing
    spread: float
    attempts: int
    rejected: int  # samples that were taken and do not count

    @property
    def is_steady(self) -> bool:
        """Did its samples keep together?"""
        return self.spread <= LARGEST_SPREAD


def protocol_of(config: ProfileConfig) -> MeasurementProtocol:
    """Return a config's protocol as a table states it."""
    effort = config.effort
    return MeasurementProtocol(
        threads=config.threads,
        warmup_runs=effort.warmup_runs,
        warmup_s=effort.warmup_s,
        samples=effort.samples,
        sampling_s=effort.sampling_s,
        largest_spread=LARGEST_SPREAD,
        largest_drift=LARGEST_DRIFT,
    )


def measure(runner: Runner, config: ProfileConfig) -> Measurement:
    """Return how long one run takes; of several attempts the one that scatters least."""
    loops = _warm_up(runner, config)
    best: tuple[float, list[float]] | None = None
    attempts = taken = 0
    while attempts <= config.effort.retries:
        attempts += 1
        samples_ms, count = _samples_ms(runner, config, loops)
        taken += count
        spread = _spread(samples_ms)
        if best is None or spread < best[0]:
            best = spread, samples_ms
        if spread <= LARGEST_SPREAD:
            break
    assert best is not None
    spread, samples_ms = best
    p10, median, p90 = (float(value) for value in np.quantile(samples_ms, [0.1, 0.5, 0.9]))
    timing = Timing(
        median_ms=median,
        p10_ms=p10,
        p90_ms=p90,
        samples=len(samples_ms),
        memory_bytes=runner.memory_bytes,
    )
    return Measurement(
        timing=timing, spread=spread, attempts=attempts, rejected=taken - len(samples_ms)
    )


def _warm_up(runner: Runner, config: ProfileConfig) -> int:
    """Run until caches and clocks have settled; return how many runs make a sample."""
    effort = config.effort
    runs, fastest, started = 0, float("inf"), time.perf_counter()
    while runs < max(3, effort.warmup_runs) or time.perf_counter() - started < effort.warmup_s:
        fastest = min(fastest, runner.run(1))
        runs += 1
    return min(_MOST_LOOPS, max(1, round(_SHORTEST_SAMPLE_S / max(fastest, 1e-9))))


def _samples_ms(runner: Runner, config: ProfileConfig, loops: int) -> tuple[list[float], int]:
    """Return the samples of one attempt that count, and how many were taken."""
    effort = config.effort
    clean: list[float] = []
    disturbed: list[float] = []  # what they took of the processor
    is_alone = config.device == "cpu" and config.threads == 1  # then processor time is known
    started = time.perf_counter()
    while True:
        elapsed = time.perf_counter() - started
        if len(clean) >= effort.samples and elapsed >= effort.sampling_s:
            break
        enough = len(clean) + len(disturbed) >= 2 * effort.samples
        if enough and elapsed >= 2 * effort.sampling_s:
            break
        if elapsed >= effort.longest_s and len(clean) + len(disturbed) >= _FEWEST:
            break
        preemptions, busy = _preemptions(), time.thread_time()
        seconds = runner.run(loops)
        busy = time.thread_time() - busy
        if _preemptions() == preemptions:
            clean.append(seconds * 1e3 / loops)
        else:
            disturbed.append((busy if is_alone else seconds) * 1e3 / loops)
    count = len(clean) + len(disturbed)
    return (clean if len(clean) >= effort.samples else clean + disturbed), count


def _spread(samples: list[float]) -> float:
    low, median, high = np.quantile(samples, [0.25, 0.5, 0.75])
    return float((high - low) / median)


def _preemptions() -> int:
    """Return how often the system has taken the processor away from this process."""
    try:
        import resource  # noqa: PLC0415 - not on every system
    except ImportError:
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw
