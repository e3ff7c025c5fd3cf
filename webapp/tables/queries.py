"""Reads of tables, and who may see what."""

from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet

from webapp.accounts.models import User
from webapp.tables.models import DeviceTable
from webapp.teams.models import Team


def visible_to(user: User | AnonymousUser) -> QuerySet[DeviceTable]:
    """Return the tables of a person's teams, without their documents until one is asked for."""
    if not user.is_authenticated:
        return DeviceTable.objects.none()
    return DeviceTable.objects.filter(team__memberships__user=user).defer("document")


def of_team(team: Team) -> QuerySet[DeviceTable]:
    """Return a team's tables, without their documents until one is asked for."""
    return DeviceTable.objects.filter(team=team).defer("document")


def newest_for(team: Team, host: str) -> DeviceTable | None:
    """Return what a team's profile runs measured last of `host-cpu` or `host-gpu`."""
    if host not in (DeviceTable.Host.CPU, DeviceTable.Host.GPU):
        return None
    return of_team(team).filter(host=host).order_by("-created_at").first()
