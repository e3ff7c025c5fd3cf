"""Leases: a job is lent to one attempt for a while, and taken back when the worker falls silent."""

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from webapp.jobs.endings import lose_attempt
from webapp.jobs.log import LeaseLost, write_line
from webapp.jobs.models import Attempt, Job, Worker

_TRIES = 10  # against other workers that claim at the same time
_FORGET_WORKERS_AFTER = timedelta(days=1)


def claim_job(*, worker: str, now: datetime | None = None) -> Job | None:
    """Lend the best queued job, by priority and then by age, to a worker; None: there is none."""
    now = now or timezone.now()
    for _ in range(_TRIES):
        candidate = (
            Job.objects.filter(status=Job.Status.QUEUED)
            .order_by("-priority", "queued_at", "pk")
            .values_list("pk", flat=True)
            .first()
        )
        if candidate is None:
            return None
        if _claim(candidate, worker, now):
            return Job.objects.get(pk=candidate)
    return None


def renew_lease(job_id: UUID, attempt: int, *, now: datetime | None = None) -> Job.Request:
    """Keep the lease for another while and return what a person requests. Raises LeaseLost."""
    renewed = _running(job_id, attempt).update(lease_until=_until(now or timezone.now()))
    if not renewed:
        raise LeaseLost(f"attempt {attempt} of job {job_id} is over")
    return requested_of(job_id, attempt)


def requested_of(job_id: UUID, attempt: int) -> Job.Request:
    """Return what a person requests of a running attempt. Raises LeaseLost."""
    requested = _running(job_id, attempt).values_list("requested", flat=True).first()
    if requested is None:
        raise LeaseLost(f"attempt {attempt} of job {job_id} is over")
    return Job.Request(requested)


def requeue_expired_leases(*, now: datetime | None = None) -> int:
    """Queue again the jobs whose worker fell silent, and return how many there were."""
    now = now or timezone.now()
    expired = Job.objects.filter(status=Job.Status.RUNNING, lease_until__lt=now)
    return sum(
        _take_back(job_id, attempt, now) for job_id, attempt in expired.values_list("pk", "attempt")
    )


def note_worker(name: str, *, slots: int, now: datetime | None = None) -> None:
    """Note that a worker is there, and forget those long gone."""
    now = now or timezone.now()
    Worker.objects.update_or_create(name=name, defaults={"slots": slots, "seen_at": now})
    Worker.objects.filter(seen_at__lt=now - _FORGET_WORKERS_AFTER).delete()


def forget_worker(name: str) -> None:
    """Note that a worker has closed."""
    Worker.objects.filter(name=name).delete()


@transaction.atomic
def _claim(job_id: UUID, worker: str, now: datetime) -> bool:
    claimed = Job.objects.filter(pk=job_id, status=Job.Status.QUEUED).update(
        status=Job.Status.RUNNING,
        attempt=F("attempt") + 1,
        lease_until=_until(now),
        worker=worker,
        stage="",
        started_at=now,
        finished_at=None,
    )
    if not claimed:
        return False
    number = Job.objects.values_list("attempt", flat=True).get(pk=job_id)
    Attempt.objects.create(job_id=job_id, number=number, worker=worker, started_at=now)
    write_line(job_id, f"Attempt {number} on worker {worker}.", now=now)
    return True


def _take_back(job_id: UUID, attempt: int, now: datetime) -> bool:
    with transaction.atomic():
        # The lease is looked at again: its worker may have woken and renewed it meanwhile.
        expired = _running(job_id, attempt).select_for_update().filter(lease_until__lt=now)
        if not expired.exists():
            return False
        try:
            lose_attempt(job_id, attempt, "The worker fell silent", now=now)
        except LeaseLost:
            return False
    return True


def _running(job_id: UUID, attempt: int) -> QuerySet[Job]:
    return Job.objects.filter(pk=job_id, attempt=attempt, status=Job.Status.RUNNING)


def _until(now: datetime) -> datetime:
    return now + timedelta(seconds=settings.LEASE_SECONDS)
