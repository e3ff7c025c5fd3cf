"""The pages about devices: every target, what narrows them, and what bits do on one."""

import re

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from engine.catalog.targets import TARGETS
from tests import profile_run
from tests.configs import profile_config
from tests.factories import JobFactory
from webapp.accounts.models import User
from webapp.tables.services import store
from webapp.teams.models import Team


@pytest.fixture
def as_ada(client: Client, ada: User, team: Team) -> Client:
    client.force_login(ada)
    return client


def shown(client: Client, query: str = "") -> list[str]:
    page = client.get(f"/devices/{query}", headers={"HX-Request": "true"}).content.decode()
    return re.findall(r'<div class="data-table__sub">([a-z0-9-]+)</div>', page)


def test_every_target_stands_with_how_it_is_known(as_ada: Client) -> None:
    page = as_ada.get("/devices/").content.decode()

    missing = [
        entry.id
        for entry in TARGETS.values()
        if f'href="/devices/{entry.id}/"' not in page
        or f"provenance--{entry.provenance}" not in page
    ]
    assert missing == []


def test_runs_are_counted_for_ones_own_teams_only(
    client: Client, ada: User, cleo: User, team: Team
) -> None:
    JobFactory(team=team, owner=ada, target="bismo-edge")

    client.force_login(ada)
    assert 'href="/jobs/?target=bismo-edge"' in client.get("/devices/").content.decode()
    client.force_login(cleo)
    assert 'href="/jobs/?target=bismo-edge"' not in client.get("/devices/").content.decode()


@pytest.mark.parametrize(
    ("query", "some", "none"),
    [
        pytest.param("?q=fpga+edge", {"bismo-edge"}, {"bismo-cloud", "pixel1"}, id="words"),
        pytest.param("?metric=energy_mj", {"bitfusion"}, {"bismo-cloud"}, id="metric"),
        pytest.param("?known=simulated", {"bismo-cloud"}, {"bismo-edge"}, id="provenance"),
        pytest.param("?gains=narrow", {"bitfusion"}, {"cortex-m7", "counted"}, id="narrow widths"),
        pytest.param("?gains=one", {"cortex-m7", "counted"}, {"bitfusion"}, id="one width"),
        pytest.param("?metric=nonsense", {"bismo-cloud", "counted"}, set(), id="nonsense"),
    ],
)
def test_the_devices_are_narrowed_by_the_url(
    as_ada: Client, query: str, some: set[str], none: set[str]
) -> None:
    found = set(shown(as_ada, query))

    assert some <= found
    assert not none & found


def test_the_devices_are_sorted_by_the_url(as_ada: Client) -> None:
    down = shown(as_ada, "?sort=-batch")

    assert TARGETS[down[0]].batch == 32
    assert shown(as_ada, "?sort=nonsense") == shown(as_ada)


def test_no_device_that_fits_says_so(as_ada: Client) -> None:
    assert "No device fits" in as_ada.get("/devices/?q=abacus").content.decode()


@pytest.mark.parametrize("target_id", sorted(TARGETS))
def test_each_device_has_a_page_with_its_figures(as_ada: Client, target_id: str) -> None:
    page = as_ada.get(f"/devices/{target_id}/?model=mobilenet_v2_small")

    assert page.status_code == 200
    assert TARGETS[target_id].source in page.context["page"].facts[-1]
    assert [chart.id for chart in page.context["page"].charts] == ["savings", "uniform-costs"]


def test_edge_and_cloud_differ_where_the_papers_say(as_ada: Client) -> None:
    """HAQ, section 4.2: on the edge only depthwise activations save much of the latency."""
    page = as_ada.get("/devices/bismo-edge/").context["page"]

    savings = page.charts[0]
    heights = {
        trace["name"]: dict(zip(trace["x"], trace["y"], strict=True))
        for trace in savings.figure["data"]
    }
    edge, cloud = (heights[TARGETS[name].title] for name in ("bismo-edge", "bismo-cloud"))
    assert edge["depthwise<br>activations"] > 3 * edge["pointwise<br>activations"]
    assert abs(cloud["depthwise<br>activations"] - cloud["pointwise<br>activations"]) < 1
    assert "depthwise activations: 9.2" in savings.summary


def test_one_may_choose_no_other_device(as_ada: Client) -> None:
    page = as_ada.get("/devices/bismo-edge/?model=resnet20&metric=latency_ms&beside=")

    assert len(page.context["page"].charts[0].figure["data"]) == 1


def test_a_metric_that_the_other_device_lacks_is_said(as_ada: Client) -> None:
    page = as_ada.get("/devices/bitfusion/?model=resnet20&metric=energy_mj&beside=bismo-edge")

    assert "does not know energy_mj" in page.content.decode()
    assert len(page.context["page"].charts[0].figure["data"]) == 1


def test_this_machine_says_that_nobody_measured_it_yet(as_ada: Client) -> None:
    page = as_ada.get("/devices/host-cpu/")

    assert "host-cpu" in shown(as_ada)
    assert page.context["page"].charts == ()
    assert "Not measured yet" in page.context["page"].problems[0]


def test_a_device_that_is_not_there_is_not_found(as_ada: Client) -> None:
    assert as_ada.get("/devices/abacus/").status_code == 404


def test_the_pages_take_as_many_queries_for_many_runs_as_for_few(
    as_ada: Client, ada: User, team: Team, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for count in (1, 12):
        for _ in range(count):
            JobFactory(team=team, owner=ada, target="bismo-edge")
        with django_assert_num_queries(5):
            as_ada.get("/devices/")
        with django_assert_num_queries(5):
            as_ada.get("/devices/bismo-edge/?model=resnet20")


def test_a_host_that_was_not_measured_offers_to_be(client: Client, ada: User, team: Team) -> None:
    client.force_login(ada)

    text = client.get("/devices/host-gpu/").content.decode()

    assert "Not measured yet" in text
    assert 'href="/jobs/new/profile/?target=host-gpu&amp;model=mobilenet_v2"' in text


def test_a_host_shows_what_was_measured_of_it_last(client: Client, ada: User, team: Team) -> None:
    run = JobFactory(team=team, kind="profile")
    table = profile_run.result(profile_config()).table
    stored = store(team=team, made_by=ada, table=table, source_job_id=run.pk)
    client.force_login(ada)

    text = client.get("/devices/host-cpu/").content.decode()

    assert "Not measured yet" not in text
    assert f"/devices/tables/{stored.pk}/" in text
    assert "Measure it again" in text
    assert "Timed with ONNX Runtime 1.0, 1 thread" in text
