"""Reads of tables, and who may see what."""

from datetime import timedelta

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet
from django.utils import timezone

from webapp.accounts.models import User
from webapp.tables.models import DeviceTable, TableDraft
from webapp.teams.models import Team


def visible_to(user: User | AnonymousUser) -> QuerySet[DeviceTable]:
    """Return the tables of a person's teams, without their documents until one is asked for."""
    if not user.is_authenticated:
        return DeviceTable.objects.none()
    return DeviceTable.objects.filter(team__memberships__user=user).defer("document")


def of_team(team: Team) -> QuerySet[DeviceTable]:
    """Return a team's tables, without their documents until one is asked for."""
    return DeviceTable.objects.filter(team=team).defer("document")


def drafts_of(user: User) -> QuerySet[TableDraft]:
    """Return what a person brought and has not kept yet; nobody else sees it."""
    since = timezone.now() - timedelta(hours=settings.TABLE_DRAFT_HOURS)
    drafts = TableDraft.objects.filter(made_by=user, created_at__gte=since)
    return drafts.filter(team__memberships__user=user).select_related("team")


def runs_on(table: DeviceTable) -> int:
    """Return how many runs of its team ask for a table."""
    return table.team.jobs.filter(target=table.target).count()
