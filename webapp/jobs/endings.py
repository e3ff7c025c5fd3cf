"""How an attempt ends: the job succeeds, fails, is stopped, or goes back to the queue."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from engine.schema.codec import Json, result_from_json
from engine.schema.cost_table import CostTable
from engine.schema.errors import InvalidConfig
from engine.schema.events import Level
from engine.schema.results import Artifact, ProfileResult, Result
from webapp.celery import wake_worker
from webapp.jobs.log import LeaseLost, append_events, write_line
from webapp.jobs.models import ArtifactFile, Attempt, Job
from webapp.tables.services import store

LOST = "lost"  # an attempt whose worker fell silent or whose engine was killed
RELEASED = "released"  # an attempt given back by a worker that was stopped


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """A file of a run that lies in storage."""

    artifact: Artifact
    storage_name: str


def finish_job(
    job_id: UUID,
    attempt: int,
    result_json: Json,
    files: Sequence[StoredFile],
    *,
    now: datetime | None = None,
) -> None:
    """Keep the result and its files, and call the job succeeded.

    What a profile measured becomes one of the team's tables; where it cannot, the log says why,
    and the job has it among its files.

    Raises:
        LeaseLost: the attempt is over.
        InvalidConfig: the result is none.
    """
    result = result_from_json(result_json)
    now = now or timezone.now()
    with transaction.atomic():
        append_events(job_id, attempt, [_summary(result)], now=now)
        _leave_running(
            job_id,
            attempt,
            status=Job.Status.SUCCEEDED,
            outcome=Job.Status.SUCCEEDED,
            now=now,
            line="Done.",
            fraction=1.0,
            result=result_json,
            **_found(result),
        )
        ArtifactFile.objects.bulk_create(_artifact_file(job_id, file) for file in files)
        if isinstance(result, ProfileResult):
            _keep_table(job_id, result.table, now=now)


def _keep_table(job_id: UUID, table: CostTable, *, now: datetime) -> None:
    job = Job.objects.select_related("team", "owner").defer("result").get(pk=job_id)
    try:
        store(team=job.team, made_by=job.owner, table=table, source_job_id=job_id)
    except InvalidConfig as refused:
        text = f"The table stays a file of this job and no target can be made of it: {refused}"
        write_line(job_id, text, level="warning", now=now)


def fail_job(
    job_id: UUID,
    attempt: int,
    error_class: Job.ErrorClass,
    text: str,
    *,
    now: datetime | None = None,
) -> None:
    """Call the job failed, with the reason for the person. Raises LeaseLost."""
    with transaction.atomic():
        _leave_running(
            job_id,
            attempt,
            status=Job.Status.FAILED,
            outcome=Job.Status.FAILED,
            now=now or timezone.now(),
            line=text,
            level="warning",
            error_class=error_class,
            error_text=text,
        )


def stop_job(job_id: UUID, attempt: int, *, now: datetime | None = None) -> None:
    """Note that the engine stopped at a checkpoint as it was asked to. Raises LeaseLost.

    The job is cancelled or paused as a person requested; where nobody did, its worker is
    closing, and another takes the job up from the checkpoint.
    """
    with transaction.atomic():
        job = _locked(job_id, attempt)
        if not _as_requested(job, now or timezone.now()):
            _queue_again(job, RELEASED, "The worker is closing; queued again.", now=now)


def lose_attempt(job_id: UUID, attempt: int, reason: str, *, now: datetime | None = None) -> None:
    """End an attempt that the machine ended, and queue the job again. Raises LeaseLost.

    After several such attempts in a row that got no further the job fails instead.
    """
    now = now or timezone.now()
    with transaction.atomic():
        job = _locked(job_id, attempt)
        if _as_requested(job, now):
            return
        lost = _lost_in_vain(job)
        if lost < settings.MOST_LOST_ATTEMPTS:
            _queue_again(job, LOST, f"{reason}; queued again.", now=now)
            return
        text = f"{reason}; given up after {lost} attempts that got no further"
        _leave_running(
            job_id,
            attempt,
            status=Job.Status.FAILED,
            outcome=LOST,
            now=now,
            line=text,
            level="warning",
            error_class=Job.ErrorClass.INFRASTRUCTURE,
            error_text=text,
        )


def _lost_in_vain(job: Job) -> int:
    """Return how many attempts were lost since the last checkpoint, the running one included.

    Only those since a person last queued the job: a retry starts counting anew.
    """
    saved = job.events.filter(kind="checkpoint_saved").aggregate(last=Max("attempt"))["last"] or 0
    earlier = job.attempts.filter(
        outcome=LOST, started_at__gte=job.queued_at, number__gte=saved, number__lt=job.attempt
    )
    return earlier.count() + 1


def _as_requested(job: Job, now: datetime) -> bool:
    """Cancel or pause the job if a person asked for that; return whether one did."""
    endings = {
        Job.Request.CANCEL: (Job.Status.CANCELLED, "Cancelled."),
        Job.Request.PAUSE: (Job.Status.PAUSED, "Paused; resuming goes on from the checkpoint."),
    }
    ending = endings.get(Job.Request(job.requested))
    if ending is None:
        return False
    status, line = ending
    _leave_running(job.pk, job.attempt, status=status, outcome=status, now=now, line=line)
    return True


def _queue_again(job: Job, outcome: str, line: str, *, now: datetime | None) -> None:
    _leave_running(
        job.pk,
        job.attempt,
        status=Job.Status.QUEUED,
        outcome=outcome,
        now=now or timezone.now(),
        line=line,
        level="warning",
        # "Stop and keep the best" is still wanted of the next attempt.
        requested=job.requested,
    )
    transaction.on_commit(wake_worker, robust=True)


def _locked(job_id: UUID, attempt: int) -> Job:
    job = (
        Job.objects.select_for_update()
        .filter(pk=job_id, attempt=attempt, status=Job.Status.RUNNING)
        .first()
    )
    if job is None:
        raise LeaseLost(f"attempt {attempt} of job {job_id} is over")
    return job


def _leave_running(
    job_id: UUID,
    attempt: int,
    *,
    status: Job.Status,
    outcome: str,
    now: datetime,
    line: str,
    level: Level = "info",
    **fields: Any,  # Any: values of the job's columns
) -> None:
    """The one conditional update out of "running"; the attempt ends with it."""
    over = status in Job.TERMINAL
    left = Job.objects.filter(pk=job_id, attempt=attempt, status=Job.Status.RUNNING).update(
        **{
            "status": status,
            "lease_until": None,
            "worker": "",
            "requested": Job.Request.NONE,
            "finished_at": now if over else None,
            **fields,
        }
    )
    if not left:
        raise LeaseLost(f"attempt {attempt} of job {job_id} is over")
    Attempt.objects.filter(job_id=job_id, number=attempt).update(ended_at=now, outcome=outcome)
    write_line(job_id, line, level=level, now=now)


def _summary(result: Result) -> Json:
    """Return the last event without the result, which is hundreds of kilobytes and on the job."""
    found = result.target if isinstance(result, ProfileResult) else result.found
    return {"kind": "run_finished", "found": found, "artifacts": len(result.artifacts)}


def _found(result: Result) -> dict[str, Any]:  # Any: values of the job's columns
    if isinstance(result, ProfileResult):
        return {}
    found = result.contender(result.found)
    cost = found.cost.values.get(result.budgets[0].metric)
    return {
        "found_accuracy": found.report_accuracy.value if found.report_accuracy else None,
        "found_cost": cost.value if cost else None,
    }


def _artifact_file(job_id: UUID, file: StoredFile) -> ArtifactFile:
    artifact = file.artifact
    return ArtifactFile(
        job_id=job_id,
        name=artifact.name,
        role=artifact.role,
        title=artifact.title,
        media_type=artifact.media_type,
        size=artifact.size,
        sha256=artifact.sha256,
        storage_name=file.storage_name,
    )
