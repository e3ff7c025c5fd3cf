"""The HAQ form's answers while one chooses: what is redrawn, what is left to who is typing."""

from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from engine.catalog.targets import TARGETS
from engine.schema.codec import to_json
from tests import haq_modes
from tests.factories import JobFactory
from tests.unit.webapp.jobs.said import said_by
from webapp.accounts.models import User
from webapp.jobs.models import Job
from webapp.teams.models import Team

SUBJECT = "mobilenet_v2_small|fashion-mnist|bismo-cloud|linear|latency_ms"
HTMX = {"HX-Request": "true"}


@pytest.fixture
def as_ada(client: Client, ada: User, team: Team) -> Client:
    client.force_login(ada)
    return client


def answered(client: Client, team: Team, **said: Any) -> tuple[Any, str]:
    answer = client.get(
        "/jobs/new/haq/reach/", said_by(team, **{"subject": SUBJECT, **said}), headers=HTMX
    )
    assert answer.status_code == 200
    return answer.context, answer.content.decode()


def test_the_form_takes_few_queries(
    as_ada: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(7):
        as_ada.get("/jobs/new/haq/")


def test_codebooks_turn_the_budget_to_size(as_ada: Client, team: Team) -> None:
    context, page = answered(as_ada, team, quantizer="kmeans")

    assert context["form"].first_metric == "model_bytes"
    assert context["further"] == ()
    assert "Latency cannot be told where activations stay float" in page
    assert 'id="limit-unit">kB<' in page


def test_a_drop_draws_the_band_without_a_budget(as_ada: Client, team: Team) -> None:
    context, page = answered(as_ada, team, question="cost", accuracy_drop="1")

    assert context["band"].limit is None
    assert "data-marker" not in page
    assert "as low as the accuracy allows" in page
    assert context["form"].start_limit  # ready for who changes the question back


def test_a_further_limit_gets_its_band_and_leaves_its_field_alone(
    as_ada: Client, team: Team
) -> None:
    _, page = answered(as_ada, team, limit_model_bytes="300")

    assert 'id="reach-model_bytes"' in page
    assert "budget 300" in page
    assert 'id="id_limit_model_bytes"' not in page
    assert "can be reached." in page  # of bit operations, which have no limit


def test_another_target_starts_further_limits_anew_and_another_metric_keeps_them(
    as_ada: Client, team: Team
) -> None:
    other_target, _ = answered(as_ada, team, limit_bit_ops="150", target="bismo-edge")
    other_metric, _ = answered(as_ada, team, limit_bit_ops="150", metric="model_bytes")

    assert other_target["form"].said("limit_bit_ops") == ""
    assert other_metric["form"].said("limit_bit_ops") == "150"


@pytest.mark.parametrize("target", TARGETS)
def test_each_target_says_what_its_widths_come_to(as_ada: Client, team: Team, target: str) -> None:
    context, _ = answered(as_ada, team, target=target)

    has_all = set(range(2, 9)) <= set(TARGETS[target].weight_bits)
    assert bool(context["width_note"]) != has_all


def test_a_drop_is_checked_without_script(as_ada: Client, team: Team) -> None:
    said = said_by(team, question="cost", accuracy_drop="", limit="", check="1")

    page = as_ada.post("/jobs/new/haq/", said).content.decode()

    assert 'href="#id_accuracy_drop"' in page
    assert 'id="id_accuracy_drop_error"' in page
    assert not Job.objects.exists()


def test_a_further_limit_that_was_refused_is_open_to_see(as_ada: Client, team: Team) -> None:
    page = as_ada.post("/jobs/new/haq/", said_by(team, limit_model_bytes="1")).content.decode()

    assert 'id="id_limit_model_bytes_error"' in page
    assert 'data-offer-for="id_limit_model_bytes"' in page
    assert 'further-budgets when-linear" open' in page


@pytest.mark.parametrize("who", ["ben", "cleo"])
def test_a_question_comes_back_to_the_team_alone(
    *, client: Client, ada: User, ben: User, cleo: User, team: Team, who: str
) -> None:
    job = JobFactory(team=team, owner=ada, config=to_json(haq_modes.DROP))

    client.force_login({"ben": ben, "cleo": cleo}[who])
    answer = client.get(f"/jobs/new/haq/?from={job.pk}")

    if who == "cleo":
        assert answer.status_code == 404
        return
    form = answer.context["form"]
    assert form.asks_for_cost
    assert (form.said("accuracy_drop"), form.said("limit_model_bytes")) == ("1", "300")


def test_a_running_drop_says_what_it_seeks(as_ada: Client, ada: User, team: Team) -> None:
    job = JobFactory(
        running=True,
        team=team,
        owner=ada,
        config=to_json(haq_modes.DROP),
        budget_metric="latency_ms",
        budget_limit=0.0,
    )

    answer = as_ada.get(f"/jobs/{job.pk}/")

    assert "Smallest latency on BISMO, cloud FPGA (VU9P) with at most 1 point of accuracy lost" in (
        answer.content.decode()
    )
    assert answer.context["budget_unit"]["symbol"] == "ms"
    assert "smallest latency" in as_ada.get("/jobs/").content.decode()


def test_a_running_size_search_draws_no_activations(as_ada: Client, ada: User, team: Team) -> None:
    job = JobFactory(running=True, team=team, owner=ada, config=to_json(haq_modes.SIZE))

    answer = as_ada.get(f"/jobs/{job.pk}/")

    traces = [trace.y for chart in answer.context["charts"] for trace in chart.traces]
    assert not any("activation" in y for y in traces)
    assert ("activation_bits", "float") in answer.context["config_rows"]
