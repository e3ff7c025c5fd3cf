"""Pages about jobs: who sees them, what they say, and how many queries they take."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from engine.catalog.targets import TARGETS
from engine.schema.codec import to_json
from tests import haq_run
from tests.configs import quantize_config
from tests.factories import ArtifactFileFactory, JobEventFactory, JobFactory
from tests.unit.webapp.jobs.said import said_by
from webapp.accounts.models import User
from webapp.jobs import services
from webapp.jobs.models import Job, ModelDescription
from webapp.teams.models import Team

HTMX = {"HX-Request": "true"}


@pytest.fixture
def as_ada(client: Client, ada: User, team: Team) -> Client:
    client.force_login(ada)
    return client


def whole_job(team: Team, owner: User, **changes: Any) -> Job:
    """A succeeded job with a result that has everything."""
    result = haq_run.result(quantize_config(), scored=6)
    return JobFactory(succeeded=True, team=team, owner=owner, result=to_json(result), **changes)


# --- who sees what -----------------------------------------------------------------------------


def addresses(job: Job) -> Iterator[tuple[str, str]]:
    yield "get", f"/jobs/{job.pk}/"
    yield "get", f"/jobs/{job.pk}/events/"
    yield "post", f"/jobs/{job.pk}/request/"
    yield "get", f"/jobs/new/haq/?from={job.pk}"
    yield "get", f"/compare/?job={job.pk}"


@pytest.mark.parametrize("number", range(5), ids=["page", "events", "request", "from", "compare"])
def test_a_team_mate_is_let_in_and_a_stranger_finds_nothing(
    *, client: Client, ada: User, ben: User, cleo: User, team: Team, number: int
) -> None:
    method, url = list(addresses(JobFactory(running=True, team=team, owner=ada)))[number]

    client.force_login(ben)
    assert getattr(client, method)(url).status_code in (200, 302)
    client.force_login(cleo)
    assert getattr(client, method)(url).status_code == 404


def test_the_list_has_ones_own_teams_runs_only(
    client: Client, ada: User, cleo: User, team: Team
) -> None:
    JobFactory(team=team, owner=ada, name="Ada's search")
    JobFactory(team=cleo.teams.get(), owner=cleo, name="Cleo's search")

    client.force_login(cleo)
    page = client.get("/jobs/").content.decode()

    assert "Cleo&#x27;s search" in page
    assert "Ada&#x27;s search" not in page


def test_states_are_told_of_visible_runs_only(client: Client, cleo: User, team: Team) -> None:
    job = JobFactory(running=True, team=team)

    client.force_login(cleo)
    page = client.get(f"/jobs/states/?id={job.pk}&id=nonsense").content.decode()

    assert str(job.pk) not in page


# --- the list ----------------------------------------------------------------------------------


def test_the_list_takes_as_many_queries_for_many_runs_as_for_few(
    as_ada: Client, ada: User, team: Team, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for count in (1, 24):
        for _ in range(count):
            JobFactory(team=team, owner=ada)
        with django_assert_num_queries(6):
            as_ada.get("/jobs/")


def test_an_empty_list_leads_to_the_first_job(as_ada: Client) -> None:
    page = as_ada.get("/jobs/").content.decode()

    assert "No runs yet" in page
    assert 'href="/jobs/new/"' in page


@pytest.mark.parametrize(
    ("query", "names"),
    [
        pytest.param("", {"Alpha", "Beta", "Gamma"}, id="all"),
        pytest.param("state=failed", {"Beta"}, id="by state"),
        pytest.param("state=active", {"Gamma"}, id="queued or running"),
        pytest.param("q=alp", {"Alpha"}, id="by a part of the name"),
        pytest.param("q=resnet20+beta", {"Beta"}, id="by several words"),
        pytest.param("model=resnet20", {"Beta"}, id="by network"),
        pytest.param("target=counted", {"Gamma"}, id="by target"),
        pytest.param("owner=ben", {"Gamma"}, id="by owner"),
        pytest.param("state=nonsense", {"Alpha", "Beta", "Gamma"}, id="a state there is not"),
        pytest.param("q=nothing", set(), id="none fits"),
    ],
)
def test_the_list_is_narrowed_by_the_url(
    *, as_ada: Client, ada: User, ben: User, team: Team, query: str, names: set[str]
) -> None:
    JobFactory(team=team, owner=ada, name="Alpha", succeeded=True)
    JobFactory(team=team, owner=ada, name="Beta", failed=True, model="resnet20")
    JobFactory(team=team, owner=ben, name="Gamma", running=True, target="counted")

    page = as_ada.get(f"/jobs/?{query}").context["runs"].page

    assert {job.name for job in page} == names


@pytest.mark.parametrize(
    ("sort", "names"),
    [
        pytest.param("name", ["A", "B", "C"], id="by name"),
        pytest.param("-name", ["C", "B", "A"], id="by name, descending"),
        pytest.param("-accuracy", ["B", "A", "C"], id="best first, none last"),
        pytest.param("accuracy", ["A", "B", "C"], id="worst first, none last"),
        pytest.param("nonsense", ["C", "B", "A"], id="newest first"),
    ],
)
def test_the_list_is_sorted_by_the_url(
    as_ada: Client, ada: User, team: Team, sort: str, names: list[str]
) -> None:
    JobFactory(team=team, owner=ada, name="A", succeeded=True, found_accuracy=0.7)
    JobFactory(team=team, owner=ada, name="B", succeeded=True, found_accuracy=0.9)
    JobFactory(team=team, owner=ada, name="C")

    page = as_ada.get(f"/jobs/?sort={sort}").context["runs"].page

    assert [job.name for job in page] == names


def test_the_list_is_paged_and_keeps_its_filters(as_ada: Client, ada: User, team: Team) -> None:
    for number in range(30):
        JobFactory(team=team, owner=ada, name=f"Sweep {number}")

    first = as_ada.get("/jobs/?q=sweep&sort=name")
    second = as_ada.get("/jobs/?q=sweep&sort=name&page=2")

    assert "?q=sweep&amp;sort=name&amp;page=2" in first.content.decode()
    assert len(first.context["runs"].page) == 25
    assert len(second.context["runs"].page) == 5


def test_sorting_is_told_to_who_cannot_see_the_arrow(as_ada: Client, team: Team) -> None:
    JobFactory(team=team)

    page = as_ada.get("/jobs/?sort=-name").content.decode()

    assert page.count('aria-sort="descending"') == 1
    assert page.count('aria-sort="none"') == 6


def test_htmx_gets_the_table_alone(as_ada: Client, team: Team) -> None:
    JobFactory(team=team)

    page = as_ada.get("/jobs/", headers=HTMX).content.decode()

    assert "<html" not in page
    assert 'id="runs"' in page


def test_the_list_asks_again_only_while_something_moves(as_ada: Client, team: Team) -> None:
    JobFactory(team=team, succeeded=True)
    assert "states-poll" not in as_ada.get("/jobs/").content.decode()

    running = JobFactory(team=team, running=True)
    assert f"id={running.pk}" in as_ada.get("/jobs/").content.decode()

    Job.objects.filter(pk=running.pk).update(status=Job.Status.CANCELLED, lease_until=None)
    answer = as_ada.get(f"/jobs/states/?id={running.pk}").content.decode()
    assert "states-poll" not in answer
    assert "Cancelled" in answer


# --- launching ---------------------------------------------------------------------------------


def test_the_form_opens_with_the_band_and_a_budget_that_works(as_ada: Client) -> None:
    answer = as_ada.get("/jobs/new/haq/")

    assert answer.context["band"].is_met
    limit = answer.context["form"]["limit"].value()
    assert float(limit) == answer.context["band"].limit
    assert f'value="{limit}"' in answer.content.decode()


def test_a_sent_form_leads_to_the_jobs_page(as_ada: Client, ada: User, team: Team) -> None:
    answer = as_ada.post("/jobs/new/haq/", said_by(team), follow=True)

    job = Job.objects.get()
    assert answer.redirect_chain == [(f"/jobs/{job.pk}/", 302)]
    assert job.get_status_display() in answer.content.decode()


def test_checking_the_range_queues_nothing(as_ada: Client, team: Team) -> None:
    answer = as_ada.post("/jobs/new/haq/", said_by(team, limit="1", check="1"))

    assert answer.context["band"].problem
    assert not Job.objects.exists()


def test_a_refused_form_shows_the_error_at_its_field_and_in_the_summary(
    as_ada: Client, team: Team
) -> None:
    page = as_ada.post("/jobs/new/haq/", said_by(team, episodes="0")).content.decode()

    assert 'id="id_episodes_error"' in page
    assert 'aria-describedby="id_episodes_error"' in page
    assert 'aria-invalid="true"' in page
    assert 'href="#id_episodes"' in page


def test_a_search_that_was_done_is_offered_with_another_seed(
    as_ada: Client, ada: User, team: Team
) -> None:
    as_ada.post("/jobs/new/haq/", said_by(team))
    first = Job.objects.get()
    result = to_json(haq_run.result(quantize_config(), scored=2))
    Job.objects.filter(pk=first.pk).update(status=Job.Status.SUCCEEDED, result=result)

    page = as_ada.post("/jobs/new/haq/", said_by(team)).content.decode()
    assert "This result exists" in page
    assert f"/jobs/{first.pk}/" in page
    assert Job.objects.count() == 1

    as_ada.post("/jobs/new/haq/", said_by(team, other_seed="1"))
    assert Job.objects.exclude(pk=first.pk).get().config["seed"] == 1


def reach(client: Client, **said: Any) -> str:
    known = {
        "model": "mobilenet_v2_small",
        "dataset": "fashion-mnist",
        "target": "bismo-cloud",
        "metric": "latency_ms",
        "limit": "4",
        "weight_bits": ["2", "4", "8"],
        "activation_bits": ["2", "4", "8"],
        "subject": "mobilenet_v2_small|fashion-mnist|bismo-cloud|linear|latency_ms",
        **said,
    }
    answer = client.get("/jobs/new/haq/reach/", known, headers=HTMX)
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_band_follows_the_limit_and_leaves_the_field_alone(as_ada: Client) -> None:
    page = reach(as_ada, limit="4.2")

    assert "budget 4.20" in page
    assert 'id="id_limit"' not in page  # somebody is typing there


def test_a_limit_out_of_reach_is_offered_the_nearest(as_ada: Client) -> None:
    assert 'data-offer="' in reach(as_ada, limit="0.1")


def test_another_target_starts_a_new_limit_in_its_own_unit(as_ada: Client) -> None:
    page = reach(as_ada, target="counted", limit="4")

    assert 'id="limit-unit">kB<' in page
    assert "has no latency" in page
    assert 'aria-describedby="metric-reason-latency_ms"' in page


@pytest.mark.parametrize(
    ("said", "slot", "words"),
    [
        ({"model": "other", "model_other": "no model!"}, "model-problem", "is no model"),
        ({"dataset": "folder", "folder": "/etc"}, "dataset-problem", "must lie below"),
        ({"target": "nonsense"}, "reach", "is not known"),
        ({"weight_bits": []}, "reach", "at least one width"),
    ],
    ids=["model", "folder", "target", "bits"],
)
def test_what_is_wrong_is_said_before_anything_is_sent(
    as_ada: Client, said: dict[str, Any], slot: str, words: str
) -> None:
    page = reach(as_ada, **said)

    assert f'id="{slot}"' in page
    assert words.lower() in page.lower()


def test_an_unknown_model_is_waited_for_and_then_drawn(as_ada: Client) -> None:
    said = {"model": "other", "model_other": "mobilenet_v3_small"}
    waiting = reach(as_ada, **said)
    assert "Describing mobilenet_v3_small" in waiting
    assert 'hx-trigger="every 2s"' in waiting

    spec = haq_run.network(quantize_config()).named("mobilenet_v3_small")
    ModelDescription.objects.update(status=ModelDescription.Status.READY, spec=to_json(spec))
    drawn = reach(as_ada, **said)
    assert "data-reach" in drawn
    assert "every 2s" not in drawn


def test_a_description_that_failed_stops_the_waiting(as_ada: Client) -> None:
    services.describe_model("no_such_net", "fashion-mnist")
    ModelDescription.objects.update(
        status=ModelDescription.Status.FAILED, error_text="torchvision has no such model"
    )

    page = reach(as_ada, model="other", model_other="no_such_net")

    assert "Torchvision has no such model." in page
    assert "every 2s" not in page


def test_an_earlier_runs_settings_fill_the_form(as_ada: Client, ada: User, team: Team) -> None:
    job = JobFactory(team=team, owner=ada, config=to_json(quantize_config(seed=41)))

    form = as_ada.get(f"/jobs/new/haq/?from={job.pk}").context["form"]

    assert form["seed"].value() == 41
    assert float(form["limit"].value()) == 4.0


# --- a job's page ------------------------------------------------------------------------------


def test_a_running_jobs_page_declares_its_charts_and_what_may_be_asked(
    as_ada: Client, ada: User, team: Team
) -> None:
    job = JobFactory(running=True, team=team, owner=ada)

    page = as_ada.get(f"/jobs/{job.pk}/").content.decode()

    assert 'id="live-reward-declaration"' in page
    assert f'data-socket="/ws/jobs/{job.pk}/"' in page
    assert 'aria-current="step"' in page
    assert 'value="finish"' in page


@pytest.mark.parametrize(
    ("trait", "words"),
    [
        ("failed", "image 7 cannot be read"),
        ("cancelled", "was cancelled and delivered nothing"),
        ("paused", "Resume goes on from the last checkpoint"),
    ],
)
def test_a_job_that_stands_still_says_why(
    as_ada: Client, ada: User, team: Team, trait: str, words: str
) -> None:
    job = JobFactory(team=team, owner=ada, **{trait: True})

    assert words in as_ada.get(f"/jobs/{job.pk}/").content.decode()


def test_a_finished_jobs_page_opens_with_the_answer(as_ada: Client, ada: User, team: Team) -> None:
    job = whole_job(team, ada)
    file = ArtifactFileFactory(job=job)

    answer = as_ada.get(f"/jobs/{job.pk}/")
    page = answer.content.decode()

    assert page.index("answer__sentence") < page.index("Contenders") < page.index("Bits per layer")
    assert f"/files/{file.pk}/" in page
    assert file.sha256 in page
    assert "load_quantized" in page


def test_every_cost_on_a_result_page_says_how_it_is_known(
    as_ada: Client, ada: User, team: Team
) -> None:
    answer = as_ada.get(f"/jobs/{whole_job(team, ada).pk}/")

    result = answer.context["result"]
    assert all(stat.provenance for stat in result.answer.stats)
    assert all(column.provenance for column in result.contenders.columns)
    assert answer.content.decode().count('class="provenance ') >= len(result.answer.stats) + len(
        result.contenders.columns
    )


def test_a_result_page_takes_few_queries(
    as_ada: Client, ada: User, team: Team, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    job = whole_job(team, ada)
    for number in range(1, 30):
        JobEventFactory(job=job, seq=number)

    with django_assert_num_queries(8):
        as_ada.get(f"/jobs/{job.pk}/")


def test_the_log_shows_sentences_and_escapes_them(as_ada: Client, ada: User, team: Team) -> None:
    job = JobFactory(failed=True, team=team, owner=ada)
    JobEventFactory(
        job=job,
        payload={"kind": "log_line", "text": "<script>alert(1)</script>", "level": "warning"},
    )

    page = as_ada.get(f"/jobs/{job.pk}/").content.decode()

    assert "<script>alert(1)" not in page
    assert "Warning: &lt;script&gt;" in page


def test_events_past_a_number_are_answered_with_the_state(
    as_ada: Client, ada: User, team: Team
) -> None:
    job = JobFactory(running=True, team=team, owner=ada, last_seq=3)
    for seq in (1, 2, 3):
        JobEventFactory(job=job, seq=seq)

    answer = as_ada.get(f"/jobs/{job.pk}/events/?after=1").json()

    assert [event["seq"] for event in answer["events"]] == [2, 3]
    assert (answer["state"]["status"], answer["state"]["last_seq"]) == ("running", 3)


@pytest.mark.parametrize("after", ["", "minus one", "²", "1e9"])
def test_a_number_that_is_none_counts_as_the_start(
    as_ada: Client, ada: User, team: Team, after: str
) -> None:
    job = JobFactory(team=team, owner=ada)
    JobEventFactory(job=job, seq=1)

    assert len(as_ada.get(f"/jobs/{job.pk}/events/", {"after": after}).json()["events"]) == 1


def test_a_cancelled_job_says_so_and_a_second_time_nothing_happens(
    as_ada: Client, ada: User, team: Team
) -> None:
    job = JobFactory(team=team, owner=ada)

    as_ada.post(f"/jobs/{job.pk}/request/", {"what": "cancel"})
    again = as_ada.post(f"/jobs/{job.pk}/request/", {"what": "cancel"}, follow=True)

    job.refresh_from_db()
    assert job.status == Job.Status.CANCELLED
    assert "cannot take" in again.content.decode()


def test_a_request_that_is_none_is_refused(as_ada: Client, ada: User, team: Team) -> None:
    job = JobFactory(running=True, team=team, owner=ada)

    answer = as_ada.post(f"/jobs/{job.pk}/request/", {"what": "explode"}, follow=True)

    job.refresh_from_db()
    assert (answer.status_code, job.requested) == (200, "")


def test_a_job_that_is_not_there_is_not_found_in_words(as_ada: Client) -> None:
    answer = as_ada.get(f"/jobs/{uuid4()}/")

    assert answer.status_code == 404
    assert "There is nothing here" in answer.content.decode()


# --- every target ------------------------------------------------------------------------------


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_has_a_budget_one_can_set_and_says_how_it_is_known(
    as_ada: Client, target: str
) -> None:
    page = reach(as_ada, target=target, subject="")

    assert "data-reach" in page
    assert "reach__problem" not in page
    assert f"provenance--{TARGETS[target].provenance}" in page


def test_a_metric_that_bits_do_not_change_says_so(as_ada: Client) -> None:
    page = reach(as_ada, target="pixel1", subject="")

    assert "Bits do not change the latency of this network on Google Pixel 1" in page
    assert 'id="limit-unit">kB<' in page
