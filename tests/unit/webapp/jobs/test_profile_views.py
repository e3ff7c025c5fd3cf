"""A profile's job on its pages: live, as a result, in lists, compared, and run again."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from engine.schema.codec import digest, to_json
from engine.schema.profile_config import ProfileConfig
from tests import profile_run
from tests.configs import profile_config
from tests.factories import AttemptFactory, JobFactory
from webapp.accounts.models import User
from webapp.jobs import services
from webapp.jobs.models import Job
from webapp.tables.models import DeviceTable
from webapp.tables.targets import targets_of
from webapp.teams.models import Team


def profile_job(team: Team, config: ProfileConfig | None = None, **fields: Any) -> Job:
    config = config or profile_config()
    known = {
        "kind": Job.Kind.PROFILE,
        "config": to_json(config),
        "config_hash": digest(config),
        "model": config.subject,
        "dataset": config.dataset,
        "target": config.target,
        "preset": "custom",
        "budget_metric": "",
        "budget_limit": 0.0,
    }
    return JobFactory(team=team, **{**known, **fields})


def running(team: Team, owner: User) -> Job:
    job = profile_job(
        team,
        owner=owner,
        status=Job.Status.RUNNING,
        attempt=1,
        stage="profiling",
        lease_until=timezone.now() + timedelta(minutes=1),
    )
    AttemptFactory(job=job)
    return job


def finished(team: Team, owner: User, config: ProfileConfig | None = None, **result: Any) -> Job:
    job = running(team, owner)
    found = profile_run.result(config or profile_config(), **result)
    services.finish_job(job.pk, 1, to_json(found), [])
    job.refresh_from_db()
    return job


def page(client: Client, job: Job) -> str:
    answer = client.get(f"/jobs/{job.pk}/")
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_live_page_has_the_charts_of_a_profile(client: Client, ada: User, team: Team) -> None:
    job = running(team, ada)
    client.force_login(ada)

    text = page(client, job)

    assert "Times of blocks and layers" in text
    assert "Drift of the reference operation" in text
    assert "Rejected samples" in text
    assert 'data-stage="profiling"' in text


def test_who_stops_a_profile_keeps_what_was_measured(client: Client, ada: User, team: Team) -> None:
    job = running(team, ada)
    client.force_login(ada)
    text = page(client, job)

    client.post(f"/jobs/{job.pk}/request/", {"what": "finish"})

    assert "Stop and keep the times" in text
    assert "Stop and keep the best" not in text
    assert services.requested_of(job.pk, 1) == Job.Request.FINISH
    assert "what was measured becomes the table" in page(client, job)


def test_what_a_profile_measured_becomes_a_table_of_the_team(ada: User, team: Team) -> None:
    job = finished(team, ada)

    stored = DeviceTable.objects.get()
    assert (stored.team, stored.made_by, stored.source_job, stored.host) == (
        team,
        ada,
        job,
        "host-cpu",
    )
    assert job.result is not None
    assert stored.target == job.result["target"]
    assert targets_of(team).entry("host-cpu").id == stored.target


def test_an_attempt_that_comes_too_late_leaves_no_second_table(ada: User, team: Team) -> None:
    job = finished(team, ada)
    late = profile_run.result(profile_config(), measured_at="2026-11-24T13:00:00+00:00")

    with pytest.raises(services.LeaseLost):
        services.finish_job(job.pk, 1, to_json(late), [])

    assert DeviceTable.objects.count() == 1


def test_the_result_tells_how_far_sums_can_be_trusted(
    client: Client, ada: User, team: Team
) -> None:
    job = finished(team, ada)
    client.force_login(ada)

    text = page(client, job)

    assert "Measured on Test processor" in text
    assert "with a mean error of" in text
    assert "0.900 × sum + 0.0200 ms" in text
    assert "Whole networks against the table, fp32" in text
    assert "ONNX Runtime 1.0, 1 thread" in text
    assert "3 of 100 measurements still scattered" in text
    stored = DeviceTable.objects.get()
    assert f"/devices/tables/{stored.pk}/" in text
    assert "/jobs/new/proxylessnas/?target=table%3Acpu-tiny%40" in text


def test_a_result_without_whole_networks_says_so(client: Client, ada: User, team: Team) -> None:
    job = running(team, ada)
    found = profile_run.result(profile_config())
    bare = replace(found, table=replace(found.table, end_to_end=None))
    services.finish_job(job.pk, 1, to_json(bare), [])
    client.force_login(ada)

    text = page(client, job)

    assert "No whole network was run end to end" in text
    assert "no whole network was held against their sums" in text


def test_a_table_that_was_deleted_leaves_its_file(client: Client, ada: User, team: Team) -> None:
    job = finished(team, ada)
    DeviceTable.objects.all().delete()
    client.force_login(ada)

    text = page(client, job)

    assert "It is not among the team’s tables" in text
    assert "Search a network for it" not in text


def test_a_table_that_cannot_be_kept_costs_no_measurement(
    client: Client, ada: User, team: Team
) -> None:
    notes = tuple(f"note {number}" for number in range(101))
    job = running(team, ada)
    found = profile_run.result(profile_config())
    told = replace(found, table=replace(found.table, notes=notes))

    services.finish_job(job.pk, 1, to_json(told), [])

    job.refresh_from_db()
    assert job.status == Job.Status.SUCCEEDED
    assert not DeviceTable.objects.exists()
    warning = job.events.get(payload__level="warning").payload["text"]
    assert "stays a file of this job" in warning
    assert "more than 100 notes; leave some out" in warning
    client.force_login(ada)
    text = page(client, job)
    assert "It is not among the team’s tables" in text
    assert "Search a network for it" not in text


def test_a_profile_is_seen_by_its_team_alone(
    client: Client, ada: User, ben: User, cleo: User, team: Team
) -> None:
    job = finished(team, ada)

    client.force_login(ben)
    seen = client.get(f"/jobs/{job.pk}/").status_code
    client.force_login(cleo)

    assert seen == 200
    assert client.get(f"/jobs/{job.pk}/").status_code == 404
    assert client.get("/jobs/").context["runs"].page.paginator.count == 0


def test_the_list_shows_a_profile_and_filters_by_its_kind(
    client: Client, ada: User, team: Team
) -> None:
    job = finished(team, ada)
    JobFactory(team=team)
    client.force_login(ada)

    answer = client.get("/jobs/", {"kind": "profile"})

    assert [each.pk for each in answer.context["runs"].page] == [job.pk]
    text = answer.content.decode()
    assert "Device profile" in text
    assert "host-cpu" in text


def test_a_recent_profile_can_be_started_from(client: Client, ada: User, team: Team) -> None:
    job = finished(team, ada)
    client.force_login(ada)

    text = client.get("/jobs/new/").content.decode()

    assert f"/jobs/new/profile/?from={job.pk}" in text
    again = client.get("/jobs/new/profile/", {"from": str(job.pk)})
    assert again.context["form"].initial["subject"] == "tiny"


def test_profiles_are_compared_by_what_they_measured(client: Client, ada: User, team: Team) -> None:
    jobs = [finished(team, ada), finished(team, ada, profile_config(precisions=("int8",)))]
    client.force_login(ada)

    answer = client.get("/compare/", {"job": [str(job.pk) for job in jobs]})

    rows = {row.title: row for group in answer.context["groups"] for row in group.rows}
    assert [cell.text for cell in rows["Measured on"].cells] == ["Test processor"] * 2
    assert [cell.text for cell in rows["Mean error of sums, fp32"].cells][1] == "–"
    assert rows["Mean error of sums, int8"].cells[0].provenance == "measured"
    assert "Accuracy as delivered" not in rows
    assert answer.context["caveats"] == []


def test_a_profile_stands_beside_a_search(client: Client, ada: User, team: Team) -> None:
    jobs = [finished(team, ada), JobFactory(team=team, succeeded=True)]
    client.force_login(ada)

    answer = client.get("/compare/", {"job": [str(job.pk) for job in jobs]})

    assert answer.status_code == 200
    assert "Different kinds of run (Device profile, HAQ)." in answer.context["caveats"]
