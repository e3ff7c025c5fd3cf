"""Every change to jobs: what pages, the API and the workers call.

Leases, log, endings and requests have files of their own; their doors are here.
"""

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from engine.catalog.models import model_entry
from engine.schema.codec import digest, to_json
from engine.schema.configs import Config
from engine.schema.quantize_config import QuantizeConfig
from webapp.accounts.models import User
from webapp.celery import ask_for_description, wake_worker
from webapp.jobs.admission import check_admissible
from webapp.jobs.endings import StoredFile, fail_job, finish_job, lose_attempt, stop_job
from webapp.jobs.found_networks import found_network, is_found_network
from webapp.jobs.hosts import settled
from webapp.jobs.leases import (
    claim_job,
    forget_worker,
    note_worker,
    renew_lease,
    requested_of,
    requeue_expired_leases,
)
from webapp.jobs.log import LeaseLost, append_event, append_events, write_line
from webapp.jobs.models import Job, ModelDescription
from webapp.jobs.requests import RequestRefused, request
from webapp.jobs.uploads import store_upload
from webapp.tables.services import hold
from webapp.tables.targets import targets_of
from webapp.teams.models import Team

_LONGEST_NAME = 120

__all__ = [
    "LeaseLost",
    "RequestRefused",
    "StoredFile",
    "append_event",
    "append_events",
    "claim_job",
    "describe_model",
    "fail_job",
    "finish_job",
    "forget_worker",
    "lose_attempt",
    "note_worker",
    "renew_lease",
    "request",
    "requested_of",
    "requeue_expired_leases",
    "stop_job",
    "store_upload",
    "submit_job",
]


def submit_job(
    *, user: User, team: Team, config: Config, name: str = "", now: datetime | None = None
) -> Job:
    """Queue a job for a team; the queue is told once the job is saved.

    A host as its target is put down as the table that was measured of it last.

    Raises:
        InvalidConfig: a field names something that does not exist or that the team may not use.
        BudgetUnreachable: no policy meets a budget.
    """
    config = settled(config, team)
    check_admissible(config, team)
    now = now or timezone.now()
    metric, limit = _limited(config)
    targets = targets_of(team)
    table_title = targets.table_title(config.target)
    with transaction.atomic():
        hold(team, config.target)
        job = Job.objects.create(
            team=team,
            owner=user,
            name=name or _default_name(config, team, targets.device_title(config.target)),
            kind=config.kind,
            config=to_json(config),
            config_hash=digest(config),
            model=config.model,
            dataset=config.dataset,
            target=config.target,
            target_title=table_title,
            preset=config.preset,
            budget_metric=metric,
            budget_limit=limit,
            queued_at=now,
        )
        write_line(job.pk, f"{user} queued the job.", now=now)
        transaction.on_commit(wake_worker, robust=True)
    job.refresh_from_db()
    return job


def _limited(config: Config) -> tuple[str, float]:
    """Return what lists show of the budgets: the first, or what is to be small, without a limit."""
    if isinstance(config, QuantizeConfig) and config.objective is not None:
        return config.objective, 0.0
    budget = next(iter(config.budgets), None)  # a profile has none
    return (budget.metric, budget.limit) if budget else ("", 0.0)


def _default_name(config: Config, team: Team, device: str) -> str:
    if is_found_network(config.model):
        found = found_network(config.model, team.jobs.all())
        return f"{found.job.name}, quantised for {device}"[:_LONGEST_NAME]
    return f"{config.model} on {device}"[:_LONGEST_NAME]


def describe_model(model: str, dataset: str, *, now: datetime | None = None) -> ModelDescription:
    """Ask a worker for the layers of a model outside the catalogue; once asked, return the answer.

    A description that failed is asked for again.

    Raises:
        InvalidConfig: the id has no form a model can have.
    """
    model_entry(model)
    now = now or timezone.now()
    with transaction.atomic():
        description, created = ModelDescription.objects.get_or_create(
            model=model, dataset=dataset, defaults={"requested_at": now}
        )
        again = not created and _ask_again(description, now)
        if created or again:
            transaction.on_commit(lambda: ask_for_description(description.pk), robust=True)
    return description


def _ask_again(description: ModelDescription, now: datetime) -> bool:
    """Put a failed description back to waiting; return whether this caller did so."""
    if description.status != ModelDescription.Status.FAILED:
        return False
    changed = ModelDescription.objects.filter(
        pk=description.pk, status=ModelDescription.Status.FAILED
    ).update(status=ModelDescription.Status.WAITING, error_text="", requested_at=now)
    description.refresh_from_db()
    return bool(changed)
