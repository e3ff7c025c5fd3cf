"""Every change to tables: the one door by which they come in, and the one by which they leave."""

from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from engine.catalog.tables import is_table_id, table_id
from engine.schema.codec import digest, from_json
from engine.schema.cost_table import CostTable
from engine.schema.errors import InvalidConfig
from webapp.accounts.models import User
from webapp.tables.document import LONGEST_TITLE, checked_document, fingerprint
from webapp.tables.models import DeviceTable, TableDraft
from webapp.teams.models import Team

_LONGEST_MACHINE = 300
_MOST_DRAFTS = 5  # of one person; each may have megabytes
_HOSTS = {"cpu": DeviceTable.Host.CPU, "cuda": DeviceTable.Host.GPU}


class TableInUse(Exception):
    """A table that cannot go yet; the text is for the person."""


def store(
    *, team: Team, made_by: User, table: CostTable, source_job_id: UUID | None = None
) -> DeviceTable:
    """Keep a table for a team; of one that the team has already, return the row there is.

    `source_job_id` is the profile run that measured it, and makes it what that host stands for.

    Raises:
        InvalidConfig: a field or row of it cannot stand.
    """
    document = checked_document(table)
    stored, _ = DeviceTable.objects.get_or_create(
        team=team,
        digest=digest(table),
        defaults={
            "made_by": made_by,
            "target": table_id(table),
            "document": document,
            "title": table.title.strip()[:LONGEST_TITLE],
            "subject": table.subject[:LONGEST_TITLE],
            "provenance": table.provenance,
            "machine": fingerprint(table)[:_LONGEST_MACHINE],
            "rows": table.rows,
            "has_grids": bool(table.grids),
            "host": _host(table) if source_job_id else DeviceTable.Host.OTHER,
            "source_job_id": source_job_id,
        },
    )
    return stored


def delete(table: DeviceTable) -> None:
    """Drop a table that no unfinished job needs.

    Raises:
        TableInUse: naming the jobs that do.
    """
    with transaction.atomic():
        # A job that is being queued holds the row as well: one of the two waits for the other.
        locked = DeviceTable.objects.select_for_update().filter(pk=table.pk).first()
        if locked is None:
            return
        jobs = unfinished_jobs(table)
        if jobs:
            raise TableInUse(
                f"{', '.join(jobs)} still {'needs' if len(jobs) == 1 else 'need'} it; cancel "
                "what runs, or wait for its end."
            )
        locked.delete()


def hold(team: Team, target_id: str) -> None:
    """Keep a table from being deleted until the transaction ends; other targets pass.

    Raises:
        InvalidConfig: the team has no such table any more.
    """
    if not is_table_id(target_id):
        return
    rows = DeviceTable.objects.select_for_update().filter(team=team, target=target_id)
    if not rows.values_list("pk", flat=True):
        raise InvalidConfig("target", f"{target_id!r} is not among your team's tables any more")


def unfinished_jobs(table: DeviceTable) -> list[str]:
    """Return the names of the jobs that would miss a table."""
    # A host's job finds the newest table of that host when it starts.
    targets = [table.target, table.host] if table.host else [table.target]
    jobs = table.team.jobs.filter(target__in=targets)
    # One that measures a host makes a table; it needs none.
    jobs = jobs.exclude(kind=jobs.model.Kind.PROFILE).exclude(status__in=jobs.model.TERMINAL)
    return list(jobs.values_list("name", flat=True))


def keep_draft(*, team: Team, made_by: User, table: CostTable, file_name: str) -> TableDraft:
    """Lay a table aside until its maker has looked at it.

    What anybody left too long goes, and the oldest of the maker's own beyond a handful.

    Raises:
        InvalidConfig: a field or row of it cannot stand.
    """
    document = checked_document(table)
    drop_old_drafts()
    draft = TableDraft.objects.create(
        team=team, made_by=made_by, document=document, file_name=file_name[-200:]
    )
    own = TableDraft.objects.filter(made_by=made_by)
    kept = own.order_by("-created_at").values_list("pk", flat=True)[:_MOST_DRAFTS]
    own.exclude(pk__in=list(kept)).delete()
    return draft


def store_draft(draft: TableDraft) -> DeviceTable:
    """Keep a table that was looked at; its draft goes.

    Raises:
        InvalidConfig: a field or row of it cannot stand.
    """
    with transaction.atomic():
        table = from_json(CostTable, draft.document)
        stored = store(team=draft.team, made_by=draft.made_by, table=table)
        draft.delete()
    return stored


def drop_draft(draft: TableDraft) -> None:
    """Drop a table that is not wanted after all."""
    draft.delete()


def drop_old_drafts() -> int:
    """Drop the drafts that nobody came back for, and return how many."""
    oldest = timezone.now() - timedelta(hours=settings.TABLE_DRAFT_HOURS)
    dropped, _ = TableDraft.objects.filter(created_at__lt=oldest).delete()
    return dropped


def _host(table: CostTable) -> DeviceTable.Host:
    return _HOSTS[table.host] if table.host else DeviceTable.Host.OTHER
