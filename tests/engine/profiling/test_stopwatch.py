"""The protocol, on runners whose times are known."""

from collections.abc import Iterator

import pytest

from engine.profiling.stopwatch import measure, protocol_of
from engine.schema.profile_config import ProfileEffort
from tests.engine.profiling.quick import quick_config

EFFORT = ProfileEffort(
    warmup_runs=4, warmup_s=0, samples=10, sampling_s=0, longest_s=1, retries=2, networks=0
)


class Scripted:
    """Says that its runs took what a script says, over and over."""

    memory_bytes: int | None = 123

    def __init__(self, seconds: Iterator[float]) -> None:
        self.seconds = seconds
        self.calls: list[int] = []

    def run(self, times: int) -> float:
        self.calls.append(times)
        return times * next(self.seconds)


def steadily(seconds: float) -> Iterator[float]:
    while True:
        yield seconds


def test_the_median_of_enough_samples_counts() -> None:
    runner = Scripted(steadily(0.002))

    measurement = measure(runner, quick_config(effort=EFFORT))

    assert measurement.timing.median_ms == pytest.approx(2.0)
    assert measurement.timing.samples == 10
    assert measurement.timing.memory_bytes == 123
    assert measurement.attempts == 1
    assert measurement.is_steady


def test_short_runs_are_looped_to_a_millisecond() -> None:
    runner = Scripted(steadily(10e-6))

    measurement = measure(runner, quick_config(effort=EFFORT))

    assert runner.calls[:4] == [1, 1, 1, 1]  # the warm-up
    assert set(runner.calls[4:]) == {100}
    assert measurement.timing.median_ms == pytest.approx(0.01)


def test_scattered_samples_are_taken_again() -> None:
    def settling() -> Iterator[float]:
        for count in range(4 + 10):  # warm-up, first attempt
            yield 0.002 if count % 2 else 0.004
        yield from steadily(0.003)

    measurement = measure(Scripted(settling()), quick_config(effort=EFFORT))

    assert measurement.attempts == 2
    assert measurement.rejected >= 10  # the whole first attempt
    assert measurement.timing.median_ms == pytest.approx(3.0)
    assert measurement.is_steady


def test_what_never_settles_is_said_to_be_unsteady() -> None:
    def jumping() -> Iterator[float]:
        while True:
            yield from (0.002, 0.004, 0.003)

    measurement = measure(Scripted(jumping()), quick_config(effort=EFFORT))

    assert measurement.attempts == 3
    assert not measurement.is_steady


def test_a_table_states_its_protocol() -> None:
    protocol = protocol_of(quick_config(effort=EFFORT, threads=2))

    assert (protocol.threads, protocol.samples, protocol.warmup_runs) == (2, 10, 4)
    assert protocol.largest_spread == 0.05
