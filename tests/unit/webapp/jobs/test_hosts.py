"""A host as a target: before it was measured, and once a profile has."""

from typing import Any

import pytest
from django.test import Client

from engine.schema.codec import to_json
from engine.schema.cost import Budget
from engine.schema.errors import InvalidConfig
from tests import profile_run
from tests.configs import profile_config, search_config
from tests.factories import JobFactory
from tests.unit.webapp.jobs import search_said
from tests.unit.webapp.jobs.said import said_by
from webapp.accounts.models import User
from webapp.jobs import services
from webapp.jobs.models import Job
from webapp.tables.models import DeviceTable
from webapp.tables.services import store
from webapp.teams.models import Team

SEARCH, HAQ = "/jobs/new/proxylessnas/", "/jobs/new/haq/"


def said_of_search(team: Team, **changes: str) -> dict[str, Any]:
    asked = {"target": "host-cpu", "metric": "latency_ms", "limit": "1000"}
    return search_said.said_by(team, **{**asked, **changes})


def measured(team: Team, owner: User, *, space: str = "tiny", at: str = "12:00") -> DeviceTable:
    """Keep what a profile run of a space gives."""
    run = JobFactory(team=team, owner=owner, kind=Job.Kind.PROFILE)
    config = profile_config(subject=space)
    result = profile_run.result(config, measured_at=f"2026-11-24T{at}:00+00:00")
    return store(team=team, made_by=owner, table=result.table, source_job_id=run.pk)


@pytest.mark.parametrize(
    ("form", "asked"),
    [
        (SEARCH, {"space": "tiny", "dataset": "cluttered-fashion-mnist"}),
        (HAQ, {"model": "resnet20", "dataset": "fashion-mnist"}),
    ],
    ids=["search", "haq"],
)
def test_a_host_that_nobody_measured_says_so_and_offers_it(
    client: Client, ada: User, team: Team, form: str, asked: dict[str, str]
) -> None:
    client.force_login(ada)

    text = client.get(form, {**asked, "target": "host-cpu"}).content.decode()

    assert "has not been measured for Demo yet" in text
    assert "/jobs/new/profile/?target=host-cpu&amp;" in text
    assert all(f"&amp;{name}={value}" in text for name, value in asked.items())


def test_the_offer_stands_where_the_range_would_be(client: Client, ada: User, team: Team) -> None:
    client.force_login(ada)

    text = client.get(f"{SEARCH}reach/", said_of_search(team)).content.decode()

    assert "has not been measured for Demo yet" in text
    assert "Measure it now" in text


def test_nothing_is_queued_on_a_host_that_nobody_measured(
    client: Client, ada: User, team: Team
) -> None:
    client.force_login(ada)

    answer = client.post(SEARCH, said_of_search(team))

    assert not Job.objects.exists()
    assert "has not been measured for Demo yet" in answer.context["form"].errors["target"][0]


def test_a_host_becomes_the_table_that_was_measured_last(
    client: Client, ada: User, team: Team
) -> None:
    measured(team, ada)
    newest = measured(team, ada, at="15:00")
    client.force_login(ada)

    band = client.get(f"{SEARCH}reach/", said_of_search(team)).content.decode()
    answer = client.post(SEARCH, said_of_search(team, limit="2.2"))

    assert "data-reach data-lowest" in band
    assert answer.status_code == 302, answer.context["form"].errors
    job = Job.objects.get(kind=Job.Kind.SEARCH)
    assert job.target == job.config["target"] == newest.target
    assert job.target_title == newest.title


def test_a_host_that_was_measured_for_several_spaces_has_the_times_of_each(
    client: Client, ada: User, team: Team
) -> None:
    of_tiny = measured(team, ada)
    measured(team, ada, space="cifar-mobile")
    client.force_login(ada)

    band = client.get(f"{SEARCH}reach/", said_of_search(team)).content.decode()
    client.post(SEARCH, said_of_search(team, limit="2.2"))

    assert "data-reach data-lowest" in band
    assert Job.objects.get(kind=Job.Kind.SEARCH).target == of_tiny.target


def test_another_teams_measurement_is_nobody_elses(
    client: Client, ada: User, cleo: User, team: Team
) -> None:
    measured(team, ada)
    other = cleo.memberships.get().team
    client.force_login(cleo)

    answer = client.post(SEARCH, said_of_search(other))

    assert "has not been measured" in answer.context["form"].errors["target"][0]


def test_a_job_that_is_submitted_on_a_host_names_its_table(ada: User, team: Team) -> None:
    table = measured(team, ada)
    config = search_config(target="host-cpu", budgets=(Budget(metric="latency_ms", limit=1000.0),))

    job = services.submit_job(user=ada, team=team, config=config)

    assert job.config == to_json(config) | {"target": table.target}


def test_a_job_on_a_host_that_nobody_measured_is_refused(ada: User, team: Team) -> None:
    config = search_config(target="host-gpu", budgets=(Budget(metric="latency_ms", limit=1000.0),))

    with pytest.raises(InvalidConfig, match=r"target: This host's CUDA GPU .* not been"):
        services.submit_job(user=ada, team=team, config=config)


def test_a_table_without_the_shapes_of_a_space_offers_to_measure_them(
    client: Client, ada: User, team: Team
) -> None:
    table = measured(team, ada)
    client.force_login(ada)

    text = client.get(
        f"{SEARCH}reach/", said_of_search(team, target=table.target, dataset="cifar10", width="0.5")
    ).content.decode()

    assert "has no times for" in text
    assert "Measure it now" in text


def test_bits_on_a_measured_cpu_are_said_to_run_as_int8(
    client: Client, ada: User, team: Team
) -> None:
    measured(team, ada)
    client.force_login(ada)

    text = client.get(HAQ, {"target": "host-cpu"}).content.decode()

    assert "every width runs as int8: fewer bits make the model smaller, never faster" in text


def test_a_found_network_is_measured_by_the_space_it_was_found_in(
    client: Client, ada: User, team: Team
) -> None:
    search = JobFactory(
        team=team,
        kind=Job.Kind.SEARCH,
        config=to_json(search_config()),
        status=Job.Status.SUCCEEDED,
        result={},
    )
    client.force_login(ada)

    answer = client.get("/jobs/new/profile/", {"network": str(search.pk), "target": "host-cpu"})

    initial: dict[str, Any] = answer.context["form"].initial
    assert (initial["subject"], initial["dataset"]) == ("tiny", "fashion-mnist")


def test_the_haq_form_takes_a_host(ada: User, team: Team, client: Client) -> None:
    client.force_login(ada)

    answer = client.post(HAQ, {**said_by(team), "target": "host-cpu"})

    assert "has not been measured for Demo yet" in answer.context["form"].errors["target"][0]
