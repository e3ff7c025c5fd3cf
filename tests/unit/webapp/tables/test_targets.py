"""One door to all targets: the catalogue's, a team's tables, and hosts once they are measured."""

from dataclasses import replace

import pytest
from pytest_django import DjangoAssertNumQueries

from engine.catalog.models import layer_table
from engine.catalog.spaces import SPACES, space_for
from engine.catalog.tables import table_target
from engine.catalog.targets import TARGETS
from engine.schema.architecture import SearchSpace
from engine.schema.cost_table import Machine
from engine.schema.errors import InvalidConfig
from engine.schema.layers import ModelSpec
from tests.factories import DeviceTableFactory
from tests.unit.engine.cost.measured_tables import table_of_model, table_of_space
from webapp.accounts.models import User
from webapp.tables.targets import check_covered, targets_for, targets_of
from webapp.teams.models import Team

TINY = SPACES["tiny"]
SMALL = layer_table("mobilenet_v2_small")
assert SMALL is not None


def test_the_catalogue_needs_no_query(
    team: Team, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(0):
        assert targets_of(team).entry("bismo-cloud") is TARGETS["bismo-cloud"]


def test_a_teams_table_is_atable_target(
    ada: User, team: Team, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    row = DeviceTableFactory(team=team, table=table_of_space(TINY, title="A board"))
    targets = targets_for(ada)

    with django_assert_num_queries(2):  # the rows, then the document
        target = targets.entry(row.target)
    with django_assert_num_queries(0):
        again = targets_for(ada).entry("pixel1"), targets.entry(row.target)

    assert target.title == "A board"
    assert again[1] is target
    assert targets.table_title(row.target) == "A board"
    assert targets.table_choices() == [(row.target, "A board")]


def test_a_strangers_table_is_none(cleo: User, team: Team) -> None:
    row = DeviceTableFactory(team=team)
    targets = targets_for(cleo)

    with pytest.raises(InvalidConfig, match=r"target: .* is not among your team's tables"):
        targets.entry(row.target)
    assert targets.find(row.target) is None
    assert targets.table_title(row.target) == ""
    assert targets.tables() == ()


def test_tables_of_one_title_are_told_apart_by_their_date(ada: User, team: Team) -> None:
    for ms in (1.0, 2.0):
        DeviceTableFactory(team=team, table=table_of_space(TINY, notes=(f"{ms}",)))

    titles = [title for _, title in targets_for(ada).table_choices()]

    assert len(titles) == 2
    assert all(title.startswith("A bench, ") for title in titles)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"host": "cpu", "machine": Machine(processor="AMD EPYC")}, "AMD EPYC"),
        ({"host": "cuda", "machine": Machine(processor="AMD EPYC", accelerator="H100")}, "H100"),
        ({"machine": Machine(processor="Cortex-A55")}, "Tiny on AMD EPYC"),
        ({}, "Tiny on AMD EPYC"),
    ],
)
def test_a_run_is_called_after_the_machine_that_was_profiled_not_after_its_table(
    team: Team, fields: dict[str, object], words: str
) -> None:
    table = table_of_space(TINY, title="Tiny on AMD EPYC", **fields)
    row = DeviceTableFactory(team=team, table=table)

    assert targets_of(team).device_title(row.target) == words
    assert targets_of(team).device_title("bismo-edge") == "bismo-edge"


def test_a_host_stands_for_its_newest_profile(team: Team) -> None:
    targets = targets_of(team)
    with pytest.raises(InvalidConfig, match="has not been profiled yet"):
        targets.entry("host-cpu")

    table = table_of_space(TINY, host="cpu")
    DeviceTableFactory(team=team, table=table, host="host-cpu")
    newest = DeviceTableFactory(team=team, table=replace(table, title="Again"), host="host-cpu")
    DeviceTableFactory(team=team, table=replace(table, title="Uploaded"))

    assert targets_of(team).entry("host-cpu").id == newest.target


@pytest.mark.parametrize("subject", [TINY, SMALL], ids=["space", "model"])
def test_what_a_table_covers_passes(subject: SearchSpace | ModelSpec) -> None:
    of = table_of_space if isinstance(subject, SearchSpace) else table_of_model
    table = of(subject)  # type: ignore[operator] # the one that fits

    check_covered(table_target(table), subject)


@pytest.mark.parametrize(
    ("subject", "message"),
    [
        (space_for("mobile-24"), r"A bench has no times for \d+ of the \d+ shapes of .*mobile .*"),
        (SMALL, r"mobilenet_v2_small: block .* and \d+ more. Choose another target"),
    ],
    ids=["space", "model"],
)
def test_what_a_table_lacks_is_named(subject: SearchSpace | ModelSpec, message: str) -> None:
    target = table_target(table_of_space(TINY))

    with pytest.raises(InvalidConfig, match=message) as error:
        check_covered(target, subject)

    assert error.value.field == "target"


def test_a_table_that_goes_while_its_list_is_read_is_no_target(team: Team) -> None:
    gone, kept = (
        DeviceTableFactory(team=team),
        DeviceTableFactory(team=team, table=table_of_space(TINY, title="A board")),
    )
    targets = targets_of(team)
    assert len(targets.rows()) == 2
    gone.delete()

    assert [target.id for target in targets.tables()] == [kept.target]
    with pytest.raises(InvalidConfig, match="is not among your team's tables"):
        targets.entry(gone.target)
