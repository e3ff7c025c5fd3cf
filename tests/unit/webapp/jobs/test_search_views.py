"""Pages of ProxylessNAS searches: the form, live, the result; who sees them, and how fast."""

import json
import re
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from engine.schema.codec import digest, to_json
from engine.schema.search_config import SearchConfig
from engine.schema.space_shape import SpaceShape
from tests import search_run
from tests.configs import search_config
from tests.factories import ArtifactFileFactory, JobEventFactory, JobFactory
from tests.unit.webapp.jobs.search_said import said_by
from webapp.accounts.models import User
from webapp.jobs import queries
from webapp.jobs.models import Job
from webapp.teams.models import Team


@pytest.fixture
def as_ada(client: Client, ada: User, team: Team) -> Client:
    client.force_login(ada)
    return client


def search_job(team: Team, owner: User, config: SearchConfig | None = None, **changes: Any) -> Job:
    config = config or search_config()
    budget = config.budgets[0]
    return JobFactory(
        team=team,
        owner=owner,
        kind=Job.Kind.SEARCH,
        config=to_json(config),
        config_hash=digest(config),
        model=config.space,
        dataset=config.dataset,
        target=config.target,
        budget_metric=budget.metric,
        budget_limit=budget.limit,
        **changes,
    )


def finished(team: Team, owner: User, **changes: Any) -> Job:
    result = to_json(search_run.result(search_config()))
    job = search_job(team, owner, succeeded=True, result=result, **changes)
    log(job, updates=5)
    return job


def log(job: Job, updates: int) -> None:
    for seq, event in enumerate(search_run.events(search_config(), updates=updates), 1):
        JobEventFactory(job=job, seq=seq, kind=event.kind, payload=to_json(event))
    Job.objects.filter(pk=job.pk).update(last_seq=seq)


# --- launching ---------------------------------------------------------------------------------


def test_the_form_opens_with_the_band_and_a_budget_that_works(as_ada: Client) -> None:
    answer = as_ada.get("/jobs/new/proxylessnas/")

    page = answer.content.decode()
    assert answer.context["band"].is_met
    assert f'value="{answer.context["form"]["limit"].value()}"' in page
    assert "74,088 networks" in page
    assert "MobileNetV2 ×0.35" in page


def test_the_form_takes_few_queries(
    as_ada: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(6):
        as_ada.get("/jobs/new/proxylessnas/")


def test_a_sent_form_leads_to_the_jobs_page(as_ada: Client, team: Team) -> None:
    answer = as_ada.post("/jobs/new/proxylessnas/", said_by(team), follow=True)

    job = Job.objects.get()
    assert answer.redirect_chain == [(f"/jobs/{job.pk}/", 302)]
    assert (job.kind, job.model) == (Job.Kind.SEARCH, "tiny")


def test_checking_the_range_queues_nothing(as_ada: Client, team: Team) -> None:
    answer = as_ada.post("/jobs/new/proxylessnas/", said_by(team, limit="0.1", check="1"))

    assert answer.context["band"].problem
    assert not Job.objects.exists()


def test_without_script_a_check_shows_the_shape_and_what_does_not_belong_to_the_space(
    as_ada: Client, team: Team
) -> None:
    fits = said_by(team, cells="1, 2, 1", limit="1.5", check="1")
    foreign = said_by(team, first_block="8", check="1")  # left over from another space

    shown, refused = (as_ada.post("/jobs/new/proxylessnas/", each) for each in (fits, foreign))

    assert "4 blocks, 1,512 networks" in shown.content.decode()
    assert 'id="id_first_block_error"' in refused.content.decode()
    assert not Job.objects.exists()


def test_a_refused_form_shows_the_error_at_its_field_and_in_the_summary(
    as_ada: Client, team: Team
) -> None:
    page = as_ada.post("/jobs/new/proxylessnas/", said_by(team, epochs="0")).content.decode()

    assert 'id="id_epochs_error"' in page
    assert re.search(r'aria-describedby="[^"]*id_epochs_error', page)
    assert 'href="#id_epochs"' in page


def test_another_target_brings_its_own_metrics_and_a_limit_that_works(as_ada: Client) -> None:
    said = {"space": "tiny", "width": "1", "dataset": "fashion-mnist", "limit": "0.8"}
    changed = {"target": "counted", "metric": "latency_ms", "subject": "another"}

    answer = as_ada.get("/jobs/new/proxylessnas/reach/", {**said, **changed})

    page = answer.content.decode()
    assert answer.context["form"].said("metric") == "macs"
    assert answer.context["band"].is_met
    assert 'id="budget-controls" hx-swap-oob="true"' in page
    assert "has no latency to offer" in page
    assert "<html" not in page


def test_a_wrong_width_is_said_and_nothing_is_drawn(as_ada: Client) -> None:
    said = {"space": "tiny", "width": "nine", "dataset": "fashion-mnist", "target": "counted"}

    answer = as_ada.get("/jobs/new/proxylessnas/reach/", {**said, "metric": "macs"})

    assert answer.context["band"] is None
    assert "Width multiplier: Must be a number, as 1 or 0.75." in answer.content.decode()


def test_the_count_and_the_band_follow_the_shape(as_ada: Client) -> None:
    said = {"space": "tiny", "width": "1", "dataset": "fashion-mnist", "target": "counted"}
    asked = {**said, "metric": "macs", "limit": "2", "shape_space": "tiny", "cells": "1, 2, 1"}

    answer = as_ada.get("/jobs/new/proxylessnas/reach/", asked)

    page = answer.content.decode()
    assert "4 blocks, 1,512 networks" in page
    assert answer.context["is_other_subject"]
    assert answer.context["band"].is_met
    assert 'id="space-shape"' not in page  # who types there is left alone


def test_a_slip_in_the_shape_is_said_once_and_leaves_the_budget_alone(as_ada: Client) -> None:
    said = {"space": "tiny", "width": "1", "dataset": "fashion-mnist", "target": "counted"}
    asked = {**said, "metric": "macs", "limit": "2", "shape_space": "tiny", "cells": "1, 2"}

    page = as_ada.get("/jobs/new/proxylessnas/reach/", asked).content.decode()

    assert page.count("Blocks: The space has 3 stages; give one number for each, got 2.") == 1
    assert "drawn again as soon as the space fits" in page
    assert 'id="budget-controls"' not in page


def test_another_space_brings_its_own_shape(as_ada: Client) -> None:
    said = {"space": "cifar-mobile", "width": "1", "dataset": "fashion-mnist", "target": "counted"}
    asked = {**said, "metric": "macs", "shape_space": "tiny", "cells": "1, 2, 1"}

    answer = as_ada.get("/jobs/new/proxylessnas/reach/", asked)

    page = answer.content.decode()
    assert answer.context["form"].said("cells") == ""
    assert 'id="space-shape" hx-swap-oob="true"' in page
    assert 'placeholder="24, 40, 80, 96, 192, 320"' in page


def test_an_earlier_runs_settings_are_taken(as_ada: Client, ada: User, team: Team) -> None:
    job = search_job(
        team, ada, search_config(shape=SpaceShape(width=0.9), algorithm="reinforce", seed=5)
    )

    form = as_ada.get(f"/jobs/new/proxylessnas/?from={job.pk}").context["form"]

    assert (form.said("width"), form.said("algorithm"), form.said("seed")) == (
        "0.9",
        "reinforce",
        "5",
    )


def test_a_team_mate_starts_from_a_shape_that_a_stranger_never_sees(
    *, client: Client, ada: User, ben: User, cleo: User, team: Team
) -> None:
    shape = SpaceShape(widths=(16, 24, 40), cells=(1, 2, 1))
    job = search_job(team, ada, search_config(shape=shape))
    path = f"/jobs/new/proxylessnas/?from={job.pk}"

    client.force_login(ben)
    form = client.get(path).context["form"]
    client.force_login(cleo)

    assert (form.said("widths"), form.said("cells"), form.said("stem")) == (
        "16, 24, 40",
        "1, 2, 1",
        "",
    )
    assert form.has_shape  # unfolded
    assert client.get(path).status_code == 404


def test_the_page_of_new_jobs_starts_each_from_its_own_form(
    as_ada: Client, ada: User, team: Team
) -> None:
    search, haq = search_job(team, ada), JobFactory(team=team, owner=ada)

    page = as_ada.get("/jobs/new/").content.decode()

    assert f"/jobs/new/proxylessnas/?from={search.pk}" in page
    assert f"/jobs/new/haq/?from={haq.pk}" in page


# --- who sees what -----------------------------------------------------------------------------


def test_a_team_mate_is_let_in_and_a_stranger_finds_nothing(
    *, client: Client, ada: User, ben: User, cleo: User, team: Team
) -> None:
    job = finished(team, ada)
    paths = [f"/jobs/{job.pk}/", f"/jobs/new/proxylessnas/?from={job.pk}"]

    client.force_login(ben)
    assert [client.get(path).status_code for path in paths] == [200, 200]
    client.force_login(cleo)
    assert [client.get(path).status_code for path in paths] == [404, 404]


# --- live --------------------------------------------------------------------------------------


def test_the_live_page_has_a_searchs_stages_and_charts(
    as_ada: Client, ada: User, team: Team
) -> None:
    job = search_job(team, ada, running=True)

    answer = as_ada.get(f"/jobs/{job.pk}/")

    titles = [title for _, title, _ in answer.context["stages"]]
    assert titles[1:4] == ["Warm-up", "Searching", "Training the networks"]
    charts = {chart.id for chart in answer.context["charts"]}
    assert {"live-paths", "live-architecture", "live-cost", "live-entropy"} <= charts
    assert "Sensitivity" not in answer.content.decode()


def test_the_map_of_paths_knows_the_operations_of_every_block(
    as_ada: Client, ada: User, team: Team
) -> None:
    job = search_job(team, ada, running=True)

    page = as_ada.get(f"/jobs/{job.pk}/").content.decode()

    script = re.search(r'<script id="live-paths-declaration"[^>]*>(.*?)</script>', page, re.DOTALL)
    assert script
    (trace,) = json.loads(script[1])["traces"]
    space = search_run.searched(search_config())
    assert [len(own) for own in trace["options"]] == [len(b.ops) for b in space.blocks]


# --- the result --------------------------------------------------------------------------------


def test_the_result_opens_with_the_answer_and_draws_everything(
    as_ada: Client, ada: User, team: Team
) -> None:
    job = finished(team, ada)
    ArtifactFileFactory(job=job, name="architecture.json", role="architecture")

    page = as_ada.get(f"/jobs/{job.pk}/").content.decode()

    assert "the network found in Tiny (grey, 32 px) classifies" in page
    for title in ("The network, block by block", "Networks as trained", "Path probabilities"):
        assert title in page
    assert "architecture.json" in page
    assert "load_network" in page
    assert f"/jobs/new/haq/?network={job.pk}" in page


def test_the_result_takes_few_queries(
    as_ada: Client, ada: User, team: Team, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    job = finished(team, ada)

    with django_assert_num_queries(10):
        as_ada.get(f"/jobs/{job.pk}/")


def test_a_result_whose_log_has_no_gates_is_shown_without_their_history(
    as_ada: Client, ada: User, team: Team
) -> None:
    job = finished(team, ada)
    job.events.all().delete()

    answer = as_ada.get(f"/jobs/{job.pk}/")

    assert answer.status_code == 200
    assert answer.context["result"].paths is None


@pytest.mark.parametrize(("updates", "count"), [(1, 1), (3, 3), (100, 40)])
def test_the_history_has_few_moments_and_the_last_one(
    ada: User, team: Team, updates: int, count: int
) -> None:
    job = search_job(team, ada, running=True)
    payload = to_json(search_run.gates(search_config(), 1, 1))
    for seq in range(1, updates + 1):
        JobEventFactory(job=job, seq=seq, kind="gates_updated", payload={**payload, "step": seq})

    moments = queries.gate_moments(job.pk)

    assert len(moments) == count
    assert moments[-1].step == updates
    assert [moment.step for moment in moments] == sorted({moment.step for moment in moments})


def test_a_history_of_many_decisions_is_thinned(ada: User, team: Team) -> None:
    job = search_job(team, ada, running=True)
    payload = to_json(search_run.gates(search_config(), 1, 1))
    for seq in range(1, 21):
        JobEventFactory(job=job, seq=seq, kind="gates_updated", payload=payload)

    assert len(queries.gate_moments(job.pk, most_numbers=200)) == 5


def test_what_is_not_there_is_a_404(as_ada: Client) -> None:
    assert as_ada.get(f"/jobs/new/proxylessnas/?from={uuid4()}").status_code == 404


def test_a_search_that_waits_says_so(as_ada: Client, ada: User, team: Team) -> None:
    job = search_job(team, ada, queued_at=timezone.now())

    assert "No worker is running" in as_ada.get(f"/jobs/{job.pk}/").content.decode()
