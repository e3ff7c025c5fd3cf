"""What people ask of a job: cancel, pause, stop and keep the best, resume, retry."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from webapp.accounts.models import User
from webapp.celery import wake_worker
from webapp.jobs.kinds import KINDS
from webapp.jobs.log import write_line
from webapp.jobs.models import Job
from webapp.jobs.transitions import What, allowed_requests

_TRIES = 3  # against a worker that changes the job at the same time


class RequestRefused(Exception):
    """A request that the job's state does not allow; the text is for the person."""


def request(job: Job, what: What, user: User, *, now: datetime | None = None) -> Job:
    """Ask something of a job and return it as it is then.

    A running job's worker reads the word within a second; others change at once.

    Raises:
        RequestRefused: the job is in a state that does not allow it.
    """
    for _ in range(_TRIES):
        job.refresh_from_db()
        if what not in allowed_requests(job):
            break
        if _ask(job, what, user, now or timezone.now()):
            job.refresh_from_db()
            return job
    state = job.get_status_display().lower()
    raise RequestRefused(f"The job is {state}; it cannot take “{what}” now. Reload the page.")


@transaction.atomic
def _ask(job: Job, what: What, user: User, now: datetime) -> bool:
    changed = Job.objects.filter(
        pk=job.pk, status=job.status, requested=job.requested, attempt=job.attempt
    ).update(**_changes(job, what, now))
    if not changed:
        return False
    words = KINDS[job.kind].finish.lower() if what == "finish" else what
    write_line(job.pk, f"{user} asked for: {words}.", now=now)
    if what in ("resume", "retry"):
        transaction.on_commit(wake_worker, robust=True)
    return True


def _changes(job: Job, what: What, now: datetime) -> dict[str, Any]:  # Any: the job's columns
    if job.status == Job.Status.RUNNING:
        return {"requested": what}
    if what == "cancel":
        return {"status": Job.Status.CANCELLED, "finished_at": now, "requested": ""}
    if what == "pause":
        return {"status": Job.Status.PAUSED}
    return {
        "status": Job.Status.QUEUED,
        "queued_at": now,
        "finished_at": None,
        "error_class": "",
        "error_text": "",
    }
