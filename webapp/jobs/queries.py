"""Reads that span rows, and who may see what."""

from datetime import datetime, timedelta
from typing import TypedDict
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db.models import Q, QuerySet
from django.utils import timezone

from engine.catalog.datasets import dataset_entry
from engine.catalog.models import layer_table
from engine.schema.codec import Json, from_json
from engine.schema.layers import ModelSpec
from webapp.accounts.models import User
from webapp.charts.effort import ScoredEpisode
from webapp.charts.probabilities import Moment
from webapp.jobs.models import Job, JobEvent, ModelDescription
from webapp.jobs.transitions import What, allowed_requests
from webapp.jobs.waiting import waiting_for
from webapp.teams.models import Team
from webapp.teams.queries import teams_of

__all__ = [
    "events_after",
    "gate_moments",
    "job_state",
    "keeps_checkpoint",
    "last_lines",
    "model_spec",
    "same_search",
    "scored_episodes",
    "teams_of",
    "visible_to",
]


# Kinds that the log's tail shows as sentences.
_SENTENCES = ("log_line", "run_started", "run_resumed")


class EventLine(TypedDict):
    """One line of a job's log, ready for JSON."""

    seq: int
    kind: str
    at: str  # ISO 8601
    payload: Json


class JobState(TypedDict):
    """What a page must know of a job that changes, ready for JSON."""

    id: str
    status: str
    status_label: str
    stage: str
    requested: str
    fraction: float
    last_seq: int
    attempt: int
    stalled: bool
    waiting_for: str  # a sentence, or ""
    worker: str
    error_text: str
    is_over: bool
    allowed: list[What]  # the requests that apply now


def visible_to(user: User | AnonymousUser) -> QuerySet[Job]:
    """Return the jobs of a person's teams; everything about jobs starts here."""
    if not user.is_authenticated:
        return Job.objects.none()
    return Job.objects.filter(team__memberships__user=user)


def events_after(job_id: UUID, seq: int, limit: int = 500) -> list[EventLine]:
    """Return the log's lines past a number, ascending, at most `limit` of them."""
    rows = JobEvent.objects.filter(job_id=job_id, seq__gt=seq).order_by("seq")
    return [
        EventLine(seq=number, kind=kind, at=at.isoformat(), payload=payload)
        for number, kind, at, payload in rows.values_list("seq", "kind", "created_at", "payload")[
            :limit
        ]
    ]


def last_lines(job_id: UUID, count: int) -> list[EventLine]:
    """Return the last sentences of a job's log, ascending."""
    lines = JobEvent.objects.filter(job_id=job_id, kind__in=_SENTENCES).order_by("-seq")
    return [
        EventLine(seq=number, kind=kind, at=at.isoformat(), payload=payload)
        for number, kind, at, payload in reversed(
            lines.values_list("seq", "kind", "created_at", "payload")[:count]
        )
    ]


def scored_episodes(job_id: UUID) -> list[ScoredEpisode]:
    """Return what each scored policy of a job reached, without the policies themselves."""
    keys = ("strategy", "episode", "accuracy")
    rows = JobEvent.objects.filter(job_id=job_id, kind="episode_finished").order_by("seq")
    return [
        ScoredEpisode(strategy=strategy, episode=episode, accuracy=accuracy)
        for strategy, episode, accuracy in rows.values_list(*(f"payload__{key}" for key in keys))
    ]


def gate_moments(job_id: UUID, *, most: int = 40, most_numbers: int = 20_000) -> list[Moment]:
    """Return path probabilities over a search: at most so many moments, the last one among them.

    Of a space with very many decisions there are fewer, so that a page stays small.
    """
    rows = JobEvent.objects.filter(job_id=job_id, kind="gates_updated").order_by("seq")
    numbers = list(rows.values_list("seq", flat=True))
    if not numbers:
        return []
    last = rows.filter(seq=numbers[-1]).values_list("payload__probabilities", flat=True)[0]
    size = max(1, sum(len(own) for own in last))
    count = max(2, min(most, most_numbers // size, len(numbers)))
    chosen = {numbers[round(at * (len(numbers) - 1) / (count - 1))] for at in range(count)}
    keys = ("step", "entropy", "probabilities")
    return [
        Moment(step=step, entropy=entropy, probabilities=tuple(map(tuple, probabilities)))
        for step, entropy, probabilities in rows.filter(seq__in=chosen).values_list(
            *(f"payload__{key}" for key in keys)
        )
    ]


def job_state(job: Job, *, now: datetime | None = None) -> JobState:
    """Return a job's state as it is shown."""
    now = now or timezone.now()
    return JobState(
        id=str(job.pk),
        status=job.status,
        status_label=job.get_status_display(),
        stage=job.stage,
        requested=job.requested,
        fraction=job.fraction,
        last_seq=job.last_seq,
        attempt=job.attempt,
        stalled=job.lease_until is not None and job.lease_until < now,
        waiting_for=waiting_for(job, now),
        worker=job.worker,
        error_text=job.error_text,
        is_over=job.is_over,
        allowed=list(allowed_requests(job)),
    )


def keeps_checkpoint(job: Job, *, now: datetime | None = None) -> bool:
    """Whether a job that ended without a result would go on from its checkpoint if tried again."""
    kept_for = timedelta(days=settings.RUN_FOLDER_DAYS)
    return job.finished_at is None or (now or timezone.now()) - job.finished_at < kept_for


def same_search(team: Team, config_hash: str) -> Job | None:
    """Return the team's newest job that answered exactly this config; None: there is none."""
    succeeded = Q(status=Job.Status.SUCCEEDED, config_hash=config_hash)
    return team.jobs.filter(succeeded).order_by("-finished_at").first()


def model_spec(model_id: str, dataset_id: str) -> ModelSpec | ModelDescription:
    """Return the layers of a model on a data set.

    Catalogue models are read from their tables. Of others a worker's description is asked for
    (`services.describe_model`); until it is ready the description itself is returned, unsaved
    where nobody has asked yet.

    Raises:
        InvalidConfig: no such model or data set.
    """
    table = layer_table(model_id, dataset_entry(dataset_id) if dataset_id else None)
    if table is not None:
        return table
    description = ModelDescription.objects.filter(model=model_id, dataset=dataset_id).first()
    if description is None:
        return ModelDescription(model=model_id, dataset=dataset_id, requested_at=timezone.now())
    if description.status == ModelDescription.Status.READY:
        return from_json(ModelSpec, description.spec)
    return description
