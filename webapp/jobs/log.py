"""A job's log: numbered events, the one truth that every view is made from."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from engine.schema.codec import Json, to_json
from engine.schema.events import Level, LogLine
from webapp.jobs.doorbell import ring_on_commit
from webapp.jobs.models import Attempt, Job, JobEvent


class LeaseLost(Exception):
    """The attempt is over: somebody else may have the job, and nothing more may be written."""


def append_event(job_id: UUID, attempt: int, event: Json, *, now: datetime | None = None) -> int:
    """Append one event and return its number. Raises LeaseLost when the attempt is over."""
    return append_events(job_id, attempt, [event], now=now)


def append_events(
    job_id: UUID,
    attempt: int,
    events: Sequence[Json],
    *,
    read_up_to: tuple[int, int] | None = None,
    now: datetime | None = None,
) -> int:
    """Append events in one transaction and return the number of the last.

    Each is a JSON object with its `kind`; the job's stage and fraction follow "progress".
    `read_up_to`: of which attempt's output the events are, and how many bytes of it the log then
    has.

    Raises:
        LeaseLost: the attempt is over.
    """
    with transaction.atomic():
        advanced = Job.objects.filter(pk=job_id, attempt=attempt, status=Job.Status.RUNNING).update(
            last_seq=F("last_seq") + len(events), **_progress(events)
        )
        if not advanced:
            raise LeaseLost(f"attempt {attempt} of job {job_id} is over")
        if read_up_to is not None:
            number, logged_bytes = read_up_to
            Attempt.objects.filter(job_id=job_id, number=number).update(logged_bytes=logged_bytes)
        return _insert(job_id, attempt, events, now or timezone.now())


def write_line(job_id: UUID, text: str, *, level: Level = "info", now: datetime) -> None:
    """Append a sentence of the product's own, inside the transaction that changed the job."""
    Job.objects.filter(pk=job_id).update(last_seq=F("last_seq") + 1)
    attempt = Job.objects.values_list("attempt", flat=True).get(pk=job_id)
    _insert(job_id, attempt, [to_json(LogLine(text=text, level=level))], now)


def _insert(job_id: UUID, attempt: int, events: Sequence[Json], now: datetime) -> int:
    # The update before this holds the job's row, so the numbers are ours alone.
    last = Job.objects.values_list("last_seq", flat=True).get(pk=job_id)
    first = last - len(events) + 1
    JobEvent.objects.bulk_create(
        JobEvent(
            job_id=job_id,
            seq=seq,
            attempt=attempt,
            kind=event["kind"],
            payload=event,
            created_at=now,
        )
        for seq, event in enumerate(events, start=first)
    )
    ring_on_commit(job_id)
    return last


def _progress(events: Sequence[Json]) -> dict[str, Any]:  # Any: values of the job's columns
    """Return what the newest "progress" says of the job, if there is one."""
    for event in reversed(events):
        if event["kind"] == "progress":
            return {"stage": event["stage"], "fraction": event["fraction"]}
    return {}
