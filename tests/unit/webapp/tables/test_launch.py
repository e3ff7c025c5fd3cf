"""A team's table as the target of its runs: offered, drawn, admitted, and named everywhere."""

from dataclasses import replace
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from engine.catalog.baselines import uniform_policy
from engine.catalog.datasets import dataset_entry
from engine.catalog.models import layer_table
from engine.catalog.spaces import space_for
from engine.catalog.tables import table_target
from engine.cost.pricing import cost_model
from engine.cost.space_costs import space_costs
from engine.schema.codec import to_json
from engine.schema.cost import Budget
from engine.schema.errors import InvalidConfig
from tests.configs import quantize_config, search_config
from tests.factories import DeviceTableFactory, JobFactory, TeamFactory
from tests.results import quantize_result
from tests.unit.engine.cost.measured_tables import (
    grids_of_model,
    table_of_model,
    table_of_space,
)
from tests.unit.webapp.jobs import search_said
from tests.unit.webapp.jobs.said import said_by
from webapp.accounts.models import User
from webapp.jobs import services
from webapp.jobs.models import Job
from webapp.jobs.transfer import Subject, transfer_matrix
from webapp.tables import services as tables
from webapp.tables.models import DeviceTable
from webapp.tables.targets import targets_of
from webapp.teams.models import Team
from webapp.teams.services import add_member

DATA = dataset_entry("fashion-mnist")
SMALL = layer_table("mobilenet_v2_small", DATA)
assert SMALL is not None
TINY = space_for("tiny", dataset=DATA)
FPGA = grids_of_model(SMALL, title="Our FPGA")
AT_8_BITS_MS = sum(layer.macs * 64 * 1e-9 for layer in SMALL.layers)
PHONE = table_of_space(TINY, title="Our phone")


@pytest.fixture
def as_ada(client: Client, ada: User, team: Team) -> Client:
    client.force_login(ada)
    return client


@pytest.fixture
def fpga(ada: User, team: Team) -> DeviceTable:
    return tables.store(team=team, made_by=ada, table=FPGA)


@pytest.fixture
def phone(ada: User, team: Team) -> DeviceTable:
    return tables.store(team=team, made_by=ada, table=PHONE)


def haq(team: Team, table: DeviceTable, **changes: Any) -> dict[str, Any]:
    limit = f"{AT_8_BITS_MS / 2:.6g}"
    return said_by(team, target=table.target, limit=limit, **changes)


def phone_costs_ms() -> tuple[float, float]:
    """The least and the most that a network of the space takes in float, by its rows."""
    costs = space_costs(TINY, cost_model(table_target(PHONE)), "latency_ms", None)
    return costs.lowest, costs.highest


@pytest.mark.parametrize("form", ["haq", "proxylessnas"])
def test_the_form_offers_a_teams_tables_to_the_team_alone(
    as_ada: Client, cleo: User, fpga: DeviceTable, form: str
) -> None:
    as_cleo = Client()
    as_cleo.force_login(cleo)

    shown, hidden = (each.get(f"/jobs/new/{form}/").content.decode() for each in (as_ada, as_cleo))

    assert "Your team&#x27;s tables" in shown
    assert f'value="{fpga.target}">Our FPGA</option>' in shown
    assert "tables" not in hidden.partition("<select")[2]
    assert fpga.target not in hidden


def test_the_band_of_a_haq_run_is_the_tables(as_ada: Client, team: Team, fpga: DeviceTable) -> None:
    band = as_ada.get("/jobs/new/haq/reach/", haq(team, fpga)).content.decode()

    assert "Our FPGA" in band
    assert f'data-highest="{AT_8_BITS_MS:.6g}"' in band
    assert "provenance--table" in band


def test_the_band_of_a_search_is_the_tables(as_ada: Client, team: Team, phone: DeviceTable) -> None:
    said = search_said.said_by(team, target=phone.target, metric="latency_ms", limit="1")
    lowest, highest = phone_costs_ms()

    band = as_ada.get("/jobs/new/proxylessnas/reach/", said).content.decode()

    assert f'data-lowest="{lowest:.6g}" data-highest="{highest:.6g}"' in band


def test_a_haq_run_on_a_table_says_its_name_everywhere(
    as_ada: Client, team: Team, fpga: DeviceTable
) -> None:
    as_ada.post("/jobs/new/haq/", haq(team, fpga))

    job = Job.objects.get()
    assert (job.target, job.target_title) == (fpga.target, "Our FPGA")
    assert job.name == "mobilenet_v2_small on Our FPGA"
    runs = as_ada.get("/jobs/").content.decode()
    assert f'<option value="{fpga.target}">Our FPGA</option>' in runs
    assert "Our FPGA<div" in runs
    assert "Our FPGA" in as_ada.get("/jobs/?q=fpga").content.decode()
    live = as_ada.get(f"/jobs/{job.pk}/").content.decode()
    assert "<li>Our FPGA</li>" in live
    assert "on Our FPGA." in live  # the question


def test_a_search_on_a_table_says_its_name(as_ada: Client, team: Team, phone: DeviceTable) -> None:
    limit = sum(phone_costs_ms()) / 2
    said = search_said.said_by(team, target=phone.target, metric="latency_ms", limit=f"{limit:.6g}")

    as_ada.post("/jobs/new/proxylessnas/", said)

    job = Job.objects.get()
    assert (job.target_title, job.budget_metric) == ("Our phone", "latency_ms")


def test_a_result_says_the_table_when_it_is_gone(
    as_ada: Client, ada: User, team: Team, fpga: DeviceTable
) -> None:
    priced = replace(quantize_result(quantize_config()), target=fpga.target)
    job = JobFactory(
        succeeded=True,
        team=team,
        owner=ada,
        target=fpga.target,
        target_title="Our FPGA",
        result=to_json(priced),
    )

    there = as_ada.get(f"/jobs/{job.pk}/").content.decode()
    tables.delete(fpga)
    gone = as_ada.get(f"/jobs/{job.pk}/").content.decode()
    compared = as_ada.get(f"/compare/?job={job.pk}").content.decode()

    assert "on Our FPGA," in there
    assert f'href="/devices/{fpga.target}/"' in there
    assert "on Our FPGA," in gone
    assert f"/devices/{fpga.target}/" not in gone
    assert "Our FPGA" in compared


@pytest.mark.parametrize("form", ["haq", "proxylessnas"])
def test_what_a_table_lacks_is_named_at_the_form_and_nothing_is_queued(
    as_ada: Client, team: Team, fpga: DeviceTable, phone: DeviceTable, form: str
) -> None:
    said = {
        "haq": haq(team, phone),
        "proxylessnas": search_said.said_by(
            team, target=fpga.target, metric="latency_ms", limit="1"
        ),
    }[form]

    answer = as_ada.post(f"/jobs/new/{form}/", said)

    (error,) = answer.context["form"].errors["target"]
    assert "has no times for" in error
    assert {"haq": "block 16x16x16", "proxylessnas": "linear 240 -> 10"}[form] in error
    assert "Choose another target" in error
    assert not Job.objects.exists()


@pytest.mark.parametrize("kind", ["quantize", "search"])
def test_a_run_is_not_admitted_on_a_table_that_does_not_cover_it(
    ada: User, team: Team, fpga: DeviceTable, phone: DeviceTable, kind: str
) -> None:
    budgets = (Budget(metric="latency_ms", limit=1.0),)
    config = {
        "quantize": quantize_config(target=phone.target),
        "search": search_config(target=fpga.target, budgets=budgets),
    }[kind]

    with pytest.raises(InvalidConfig, match=r"target: Our .* has no times for"):
        services.submit_job(user=ada, team=team, config=config)


def test_the_table_of_ones_other_team_is_refused(
    as_ada: Client, ada: User, team: Team, fpga: DeviceTable
) -> None:
    other = TeamFactory()
    add_member(other, ada)

    answer = as_ada.post("/jobs/new/haq/", haq(other, fpga))

    assert "not among your team" in answer.context["form"].errors["target"][0]
    assert not Job.objects.exists()


def test_a_table_that_is_deleted_on_the_way_queues_nothing(team: Team, fpga: DeviceTable) -> None:
    tables.hold(team, fpga.target)
    tables.delete(fpga)

    with pytest.raises(InvalidConfig, match="not among your team's tables any more"):
        tables.hold(team, fpga.target)


def test_the_transfer_matrix_has_the_tables_that_know_the_network(
    ada: User, team: Team, phone: DeviceTable, fpga: DeviceTable
) -> None:
    tables.store(team=team, made_by=ada, table=table_of_model(SMALL, title="Our board"))
    subjects = [Subject(label="8 bit", network=SMALL, policy=uniform_policy(SMALL, 8, 8))]

    rows = transfer_matrix(
        subjects, metric="latency_ms", own=fpga.target, targets=targets_of(team)
    ).rows

    titles = [row.target.title for row in rows]
    assert (rows[0].target.title, rows[0].is_own) == ("Our FPGA", True)
    assert "Our board" in titles
    assert "Our phone" not in titles  # no row of it is of this network


def test_a_host_is_marked_as_what_the_run_was_cut_for(team: Team) -> None:
    host = DeviceTableFactory(team=team, table=table_of_model(SMALL, host="cpu"), host="host-cpu")
    subjects = [Subject(label="8 bit", network=SMALL, policy=uniform_policy(SMALL, 8, 8))]

    rows = transfer_matrix(
        subjects, metric="latency_ms", own="host-cpu", targets=targets_of(team)
    ).rows

    assert [row.target.id for row in rows if row.is_own] == [host.target]


def test_many_tables_cost_the_form_no_more_queries(
    as_ada: Client,
    ada: User,
    team: Team,
    fpga: DeviceTable,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for batch in range(2, 8):
        tables.store(team=team, made_by=ada, table=replace(PHONE, batch=batch))
    said = haq(team, fpga)
    as_ada.get("/jobs/new/haq/reach/", said)

    with django_assert_num_queries(5):
        as_ada.get("/jobs/new/haq/reach/", said)
