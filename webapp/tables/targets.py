"""The devices that one can choose: the catalogue's, and the tables of one's team."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cached_property, lru_cache
from uuid import UUID

from django.db.models import QuerySet

from engine.catalog.hosts import HOSTS
from engine.catalog.tables import is_table_id, table_target
from engine.catalog.targets import TARGETS, target_entry
from engine.cost.table_coverage import model_coverage, space_coverage
from engine.schema.architecture import SearchSpace
from engine.schema.codec import from_json
from engine.schema.cost_table import CostTable
from engine.schema.errors import InvalidConfig
from engine.schema.layers import ModelSpec
from engine.schema.target import Target
from webapp.accounts.models import User
from webapp.tables import queries
from webapp.tables.models import DeviceTable
from webapp.teams.models import Team

_PARSED = 16  # tables that stay in memory as targets; one has some hundred rows
_NAMED_HOLES = 3


class Targets:
    """The targets of the catalogue and of some rows; the rows are read once, when asked for."""

    def __init__(self, rows: QuerySet[DeviceTable]) -> None:
        self._query = rows

    def entry(self, target_id: str) -> Target:
        """Return a target; a host stands for what a profile of it measured last.

        Raises:
            InvalidConfig: there is none of that id here, or the host was not profiled.
        """
        if target_id in TARGETS:
            return TARGETS[target_id]
        row = self._by_id.get(target_id) or self._newest_of(target_id)
        for target in _present([row] if row else []):
            return target
        if is_table_id(target_id):
            raise InvalidConfig(
                "target",
                f"{target_id!r} is not among your team's tables; choose another, or add it under "
                "Devices",
            )
        return target_entry(target_id)

    def find(self, target_id: str) -> Target | None:
        """Return a target; None: there is none of that id here."""
        try:
            return self.entry(target_id)
        except InvalidConfig:
            return None

    def measured(self, host: str, subject: ModelSpec | SearchSpace) -> Target | None:
        """Return the newest table of a host that has times for all of a network or space.

        Where none has, the newest there is; None: the host was not profiled.
        """
        own = _present(row for row in self._by_id.values() if row.host == host)
        whole = (target for target in own if _covers(target, subject))
        return next(whole, own[0] if own else None)

    def tables(self) -> tuple[Target, ...]:
        """Return the tables as targets, the newest first, each once."""
        return _present(self._by_id.values())

    def all(self) -> tuple[Target, ...]:
        """Return every target that is known, the catalogue's first; a host is among the tables."""
        return (*TARGETS.values(), *self.tables())

    def rows(self) -> Mapping[str, DeviceTable]:
        """Return the tables as they are stored, by target id, the newest first."""
        return self._by_id

    def table_title(self, target_id: str) -> str:
        """Return what a table is called; "": it is no table, or none of these."""
        row = self._by_id.get(target_id) if is_table_id(target_id) else None
        return row.title if row else ""

    def device_title(self, target_id: str) -> str:
        """Return what a run calls the device that it is for.

        A profile's table is titled by the network it is of, too, so its machine speaks for it.
        """
        if not is_table_id(target_id):
            return target_id
        target = self.entry(target_id)
        table = target.cost_table
        profiled = table.machine if table is not None and table.host is not None else None
        return profiled.title if profiled else target.title

    def table_choices(self) -> list[tuple[str, str]]:
        """Return id and title of each table, the newest first; equal titles get their date."""
        titles = [row.title for row in self._by_id.values()]
        return [
            (
                row.target,
                row.title
                if titles.count(row.title) == 1
                else f"{row.title}, {row.created_at:%-d %b %Y %H:%M}",
            )
            for row in self._by_id.values()
        ]

    @cached_property
    def _by_id(self) -> dict[str, DeviceTable]:
        rows: dict[str, DeviceTable] = {}
        for row in self._query.select_related("made_by").order_by("-created_at"):
            rows.setdefault(row.target, row)
        return rows

    def _newest_of(self, host: str) -> DeviceTable | None:
        if host not in HOSTS:
            return None
        return next((row for row in self._by_id.values() if row.host == host), None)


# What everybody can choose.
CATALOGUE = Targets(DeviceTable.objects.none())


def targets_for(user: User) -> Targets:
    """Return what a person may choose: the catalogue, and the tables of all their teams."""
    return Targets(queries.visible_to(user))


def targets_of(team: Team) -> Targets:
    """Return what a team's jobs may name."""
    return Targets(queries.of_team(team))


def _covers(target: Target, subject: ModelSpec | SearchSpace) -> bool:
    try:
        check_covered(target, subject)
    except InvalidConfig:
        return False
    return True


def check_covered(target: Target, subject: ModelSpec | SearchSpace, *, title: str = "") -> None:
    """Check that a table has times for all of a network or a space; other targets pass.

    `title` is what the error calls the network.

    Raises:
        InvalidConfig: it has not, with the first shapes that it lacks.
    """
    table = target.cost_table
    if table is None:
        return
    if isinstance(subject, SearchSpace):
        found, title = space_coverage(table, subject), subject.title
    else:
        found, title = model_coverage(table, subject), title or subject.model
    if found.is_whole:
        return
    named = ", ".join(found.holes[:_NAMED_HOLES])
    rest = len(found.holes) - _NAMED_HOLES
    more = f" and {rest} more" if rest > 0 else ""
    raise InvalidConfig(
        "target",
        f"{target.title} has no times for {len(found.holes)} of the {found.total} shapes of "
        f"{title}: {named}{more}. Choose another target, or add a table that has them",
    )


def _present(rows: Iterable[DeviceTable]) -> tuple[Target, ...]:
    """Return the rows as targets, without those that were deleted since they were read."""
    targets = []
    for row in rows:
        with suppress(DeviceTable.DoesNotExist):
            targets.append(_target_of(row.pk))
    return tuple(targets)


@lru_cache(maxsize=_PARSED)
def _target_of(row_id: UUID) -> Target:
    """Return a row's table as a target; what a row holds never changes, but it may be gone."""
    document = DeviceTable.objects.values_list("document", flat=True).get(pk=row_id)
    return table_target(from_json(CostTable, document))
