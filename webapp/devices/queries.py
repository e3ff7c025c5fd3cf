"""Reads about devices that span rows."""

from dataclasses import replace

from django.db.models import Count

from engine.catalog.hosts import HOSTS
from engine.catalog.targets import TARGETS
from engine.schema.target import Target
from webapp.accounts.models import User
from webapp.jobs import queries as jobs
from webapp.tables.targets import Targets


def devices(targets: Targets) -> dict[str, Target]:
    """Return every device there is a page about, by id.

    The tables of one's teams come first, then the catalogue, then this machine itself: as it was
    measured last, where it was.
    """
    tables = {target.id: target for target in targets.tables()}
    hosts = {host.id: _as_measured(host, targets) for host in HOSTS.values()}
    return {**tables, **TARGETS, **hosts}


def _as_measured(host: Target, targets: Targets) -> Target:
    table = targets.find(host.id)
    return replace(table, id=host.id, title=host.title) if table else host


def runs_by_target(user: User) -> dict[str, int]:
    """Return how many of a person's teams' runs ask for each target."""
    rows = jobs.visible_to(user).order_by().values_list("target").annotate(Count("pk"))
    return dict(rows)
