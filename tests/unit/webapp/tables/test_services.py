"""Tables are kept once, whole or not at all, and go when no job needs them."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from engine.catalog.models import layer_table
from engine.catalog.spaces import SPACES
from engine.catalog.tables import table_id
from engine.schema.codec import from_json
from engine.schema.cost_table import CostTable, Machine
from engine.schema.errors import InvalidTable
from tests.factories import DeviceTableFactory, JobFactory, TeamFactory
from tests.unit.engine.cost.measured_tables import grids_of_model, table_of_space
from webapp.accounts.models import User
from webapp.tables import queries, services
from webapp.tables.models import DeviceTable, TableDraft
from webapp.tables.targets import targets_of
from webapp.teams.models import Team


@pytest.fixture
def table() -> CostTable:
    machine = Machine(processor="A55", accelerator="", system="Linux")
    return table_of_space(SPACES["tiny"], title="A board", machine=machine, host="cpu")


def test_a_table_is_kept_with_what_lists_show(ada: User, team: Team, table: CostTable) -> None:
    stored = services.store(team=team, made_by=ada, table=table)

    stored = queries.visible_to(ada).get(pk=stored.pk)
    assert from_json(CostTable, stored.document) == table
    assert (stored.target, stored.title, stored.subject) == (table_id(table), "A board", "tiny")
    assert (stored.machine, stored.rows, stored.has_grids) == ("A55, Linux", table.rows, False)


def test_what_was_priced_is_priced_the_same_out_of_the_database(ada: User, team: Team) -> None:
    spec = layer_table("mobilenet_v2_small")
    assert spec is not None
    table = grids_of_model(spec)

    services.store(team=team, made_by=ada, table=table)

    target = targets_of(team).entry(table_id(table))
    assert target.cost_table == table  # to the last digit of each time


def test_the_same_table_is_kept_once_a_team(
    ada: User, ben: User, team: Team, table: CostTable
) -> None:
    first = services.store(team=team, made_by=ada, table=table)

    again = services.store(team=team, made_by=ben, table=table)
    other = services.store(team=TeamFactory(), made_by=ben, table=table)

    assert again == first
    assert again.made_by == ada
    assert other != first


def test_a_table_is_seen_by_its_team_alone(
    ada: User, ben: User, cleo: User, team: Team, table: CostTable
) -> None:
    stored = services.store(team=team, made_by=ada, table=table)

    assert list(queries.visible_to(ben)) == [stored]
    assert not queries.visible_to(cleo).exists()


def test_a_shape_that_stands_twice_is_refused(ada: User, team: Team, table: CostTable) -> None:
    twice = replace(table, blocks=(*table.blocks, table.blocks[0]))

    with pytest.raises(InvalidTable, match="the same shape as in"):
        services.store(team=team, made_by=ada, table=twice)


def test_a_host_stands_for_what_a_profile_run_measured_last(
    ada: User, team: Team, table: CostTable
) -> None:
    run = JobFactory(team=team, owner=ada)
    uploaded = services.store(team=team, made_by=ada, table=replace(table, title="Elsewhere"))
    assert targets_of(team).find("host-cpu") is None

    services.store(team=team, made_by=ada, table=table, source_job_id=run.pk)
    newest = services.store(
        team=team, made_by=ada, table=replace(table, title="Again"), source_job_id=run.pk
    )

    assert uploaded.host == ""
    assert targets_of(team).entry("host-cpu").id == newest.target
    assert targets_of(team).find("host-gpu") is None
    assert targets_of(TeamFactory()).find("host-cpu") is None


def test_a_table_goes_once_no_unfinished_job_needs_it(ada: User, team: Team) -> None:
    row = DeviceTableFactory(team=team, made_by=ada)
    JobFactory(team=team, target=row.target, succeeded=True)
    waiting = JobFactory(team=team, target=row.target, name="Night run")

    with pytest.raises(services.TableInUse, match="Night run still needs it"):
        services.delete(row)
    assert DeviceTable.objects.filter(pk=row.pk).exists()

    waiting.status = "cancelled"
    waiting.save()
    services.delete(row)
    assert not DeviceTable.objects.filter(pk=row.pk).exists()


def test_a_host_that_is_measured_anew_needs_no_table(team: Team) -> None:
    row = DeviceTableFactory(team=team, host="host-cpu")
    JobFactory(team=team, target="host-cpu", kind="profile")
    assert services.unfinished_jobs(row) == []

    JobFactory(team=team, target="host-cpu", kind="search", name="On this host")
    assert services.unfinished_jobs(row) == ["On this host"]


def test_a_draft_becomes_a_table_and_goes(ada: User, team: Team, table: CostTable) -> None:
    draft = services.keep_draft(team=team, made_by=ada, table=table, file_name="board.json")
    assert not DeviceTable.objects.exists()

    stored = services.store_draft(draft)

    assert from_json(CostTable, stored.document) == table
    assert not TableDraft.objects.exists()


def test_a_person_has_a_handful_of_drafts_at_most(
    ada: User, ben: User, team: Team, table: CostTable
) -> None:
    others = services.keep_draft(team=team, made_by=ben, table=table, file_name="other.json")
    own = [
        services.keep_draft(team=team, made_by=ada, table=table, file_name=f"{number}.json")
        for number in range(7)
    ]

    assert set(TableDraft.objects.all()) == {others, *own[2:]}


def test_drafts_that_nobody_came_back_for_go(ada: User, team: Team, table: CostTable) -> None:
    old = services.keep_draft(team=team, made_by=ada, table=table, file_name="old.json")
    TableDraft.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(hours=25))

    new = services.keep_draft(team=team, made_by=ada, table=table, file_name="new.json")

    assert list(TableDraft.objects.all()) == [new]
