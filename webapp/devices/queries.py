"""Reads about devices that span rows."""

from django.db.models import Count

from engine.catalog.hosts import HOSTS
from engine.catalog.targets import TARGETS
from engine.schema.target import Target
from webapp.accounts.models import User
from webapp.jobs import queries as jobs


def devices() -> dict[str, Target]:
    """Return every device there is a page about, by id: the catalogue, then this machine itself."""
    return {**TARGETS, **HOSTS}


def runs_by_target(user: User) -> dict[str, int]:
    """Return how many of a person's teams' runs ask for each target."""
    rows = jobs.visible_to(user).order_by().values_list("target").annotate(Count("pk"))
    return dict(rows)
