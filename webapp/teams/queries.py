"""Reads about teams."""

from django.db.models import QuerySet

from webapp.accounts.models import User
from webapp.teams.models import Team


def teams_of(user: User) -> QuerySet[Team]:
    """Return the teams a person belongs to, the oldest first."""
    return Team.objects.filter(memberships__user=user).order_by("created_at", "pk")
