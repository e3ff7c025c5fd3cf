"""What a job waits for, in a sentence."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q, Sum

from webapp.jobs.kinds import KINDS
from webapp.jobs.models import Job, Worker

_REQUESTED = {
    Job.Request.CANCEL: "Cancelling: the engine finishes its step.",
    Job.Request.PAUSE: "Pausing: the engine finishes its step and writes a checkpoint.",
}


def waiting_for(job: Job, now: datetime) -> str:
    """Return what the job waits for, or "" where it is at work or over."""
    if job.status == Job.Status.QUEUED:
        return _place_in_queue(job, now)
    if job.status == Job.Status.PAUSED:
        return "Paused. Resume goes on from the last checkpoint."
    if job.status != Job.Status.RUNNING:
        return ""
    if job.lease_until is not None and job.lease_until < now:
        return "The worker has fallen silent. The job is queued again in a moment."
    if job.requested:
        return _REQUESTED.get(Job.Request(job.requested), KINDS[job.kind].finishing)
    return "" if job.stage else "Starting the engine."


def _place_in_queue(job: Job, now: datetime) -> str:
    slots = _live_slots(now)
    if not slots:
        return "No worker is running. The job starts as soon as one does."
    before = Q(priority__gt=job.priority) | Q(priority=job.priority, queued_at__lt=job.queued_at)
    ahead = Job.objects.filter(before, status=Job.Status.QUEUED).count()
    if ahead:
        return f"Waiting for a free worker: {ahead} {'job is' if ahead == 1 else 'jobs are'} ahead."
    if Job.objects.filter(status=Job.Status.RUNNING).count() >= slots:
        return "Next in line: all workers are busy."
    return "A worker takes it in a moment."


def _live_slots(now: datetime) -> int:
    """Return how many jobs the workers seen lately can run at a time."""
    lately = now - timedelta(seconds=6 * settings.LOOKOUT_SECONDS)
    return Worker.objects.filter(seen_at__gte=lately).aggregate(total=Sum("slots"))["total"] or 0
