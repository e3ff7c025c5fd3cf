"""The time left: true where the pace is even, and smooth where a stage ends."""

from collections.abc import Iterator
from itertools import pairwise

from engine.schema.events import Progress
from engine.training.plan import with_eta

STEPS = 200


def told(seconds_a_step: list[float]) -> list[tuple[float, float | None]]:
    """Return (time, seconds left) of each progress event of a run in even shares."""
    now = 0.0
    times = []

    def events() -> Iterator[Progress]:
        nonlocal now
        for step, seconds in enumerate(seconds_a_step, start=1):
            now += seconds
            times.append(now)
            yield Progress(
                stage="searching",
                done=step,
                total=len(seconds_a_step),
                unit="policies",
                fraction=step / len(seconds_a_step),
            )

    progress = [
        event for event in with_eta(events(), clock=lambda: now) if isinstance(event, Progress)
    ]
    return [(time, event.eta_s) for time, event in zip(times, progress, strict=True)]


def test_an_even_run_is_told_its_end_from_the_start() -> None:
    estimates = told([0.5] * STEPS)

    shown = [(time, left) for time, left in estimates if left is not None]
    assert len(shown) > 0.9 * STEPS
    assert all(abs(time + left - 0.5 * STEPS) < 0.6 for time, left in shown)


def test_nothing_is_told_before_the_pace_is_known() -> None:
    estimates = told([0.5] * STEPS)

    assert all(left is None for time, left in estimates if time < 5.0)


def test_a_stage_four_times_as_slow_makes_no_jump() -> None:
    estimates = told([0.25] * (STEPS // 2) + [1.0] * (STEPS // 2))

    shown = [(time, left) for time, left in estimates if left is not None]
    for (before, left), (now, left_now) in pairwise(shown):
        # What the clock does not explain stays within a tenth of what is left.
        assert abs(left_now - (left - (now - before))) <= max(2.0, 0.1 * left_now)


def test_a_wrong_guess_is_mended_before_the_end() -> None:
    estimates = told([0.25] * (STEPS // 2) + [1.0] * (STEPS // 2))

    end = estimates[-1][0]
    for time, left in estimates:
        if end - time < 40 and left is not None:
            assert abs(time + left - end) < 12


def test_the_last_event_leaves_next_to_nothing() -> None:
    _, left = told([0.25] * (STEPS // 2) + [1.0] * (STEPS // 2))[-1]

    assert left is not None
    assert left < 2.0
