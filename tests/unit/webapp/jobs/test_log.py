"""The log: numbered without gaps, fenced by attempt, and what the job shows follows it."""

import pytest

from engine.schema.codec import to_json
from engine.schema.events import LogLine, Progress
from tests.factories import JobFactory
from webapp.jobs import services
from webapp.jobs.queries import events_after


def line(text: str) -> dict[str, object]:
    return to_json(LogLine(text=text))


def progress(fraction: float) -> dict[str, object]:
    return to_json(Progress(stage="searching", done=1, total=2, unit="episodes", fraction=fraction))


@pytest.mark.django_db
def test_events_are_numbered_in_order_without_gaps() -> None:
    job = JobFactory(running=True)

    numbers = [
        services.append_event(job.pk, 1, line("a")),
        services.append_events(job.pk, 1, [line("b"), line("c")]),
        services.append_event(job.pk, 1, line("d")),
    ]

    assert numbers == [1, 3, 4]
    assert [event["payload"]["text"] for event in events_after(job.pk, 0)] == ["a", "b", "c", "d"]
    job.refresh_from_db()
    assert job.last_seq == 4


@pytest.mark.django_db
def test_the_job_shows_the_newest_progress_of_a_batch() -> None:
    job = JobFactory(running=True, stage="")

    services.append_events(job.pk, 1, [progress(0.25), progress(0.5), line("between")])

    job.refresh_from_db()
    assert (job.stage, job.fraction) == ("searching", 0.5)


@pytest.mark.django_db
def test_a_refused_batch_leaves_nothing_behind() -> None:
    job = JobFactory(running=True)

    with pytest.raises(services.LeaseLost):
        services.append_events(job.pk, 2, [line("a"), progress(0.9)])

    job.refresh_from_db()
    assert (job.last_seq, job.fraction, job.events.count()) == (0, 0.0, 0)


@pytest.mark.django_db
def test_only_what_is_past_a_number_is_read_and_at_most_so_many() -> None:
    job = JobFactory(running=True)
    services.append_events(job.pk, 1, [line(str(number)) for number in range(1, 8)])

    events = events_after(job.pk, 2, limit=3)

    assert [event["seq"] for event in events] == [3, 4, 5]
    assert events[0]["kind"] == "log_line"
    assert events[0]["at"].endswith("+00:00")


@pytest.mark.django_db
def test_a_batch_costs_as_many_queries_as_one_event(django_assert_num_queries) -> None:
    job = JobFactory(running=True)

    with django_assert_num_queries(5):  # savepoint, fence, number, insert, release
        services.append_events(job.pk, 1, [line("x")] * 50)
