"""What lies in the folder of runs goes once nobody can want it, and not before."""

import os
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from tests.factories import JobFactory
from webapp.accounts.models import User
from webapp.jobs import services
from webapp.jobs.models import Job
from webapp.teams.models import Team
from workers import purge
from workers.purge import remove_old_folders
from workers.workdir import workdir_of

LONG_AGO = timedelta(days=31)


def folder_of(job: Job) -> Path:
    folder = workdir_of(job.pk)
    folder.mkdir(parents=True)
    (folder / "checkpoint.pt").write_bytes(b"weights")
    return folder


def ended(team: Team, status: Job.Status, *, ago: timedelta) -> Job:
    return JobFactory(
        team=team,
        status=status,
        finished_at=timezone.now() - ago,
        result={} if status == Job.Status.SUCCEEDED else None,
    )


@pytest.mark.parametrize("status", [Job.Status.FAILED, Job.Status.CANCELLED, Job.Status.SUCCEEDED])
def test_a_run_that_ended_long_ago_loses_its_folder(team: Team, status: Job.Status) -> None:
    folder = folder_of(ended(team, status, ago=LONG_AGO))

    assert remove_old_folders() == 1
    assert list(folder.parent.iterdir()) == []


@pytest.mark.parametrize("status", [Job.Status.FAILED, Job.Status.CANCELLED])
def test_a_run_that_ended_lately_can_be_tried_again(team: Team, status: Job.Status) -> None:
    folder = folder_of(ended(team, status, ago=timedelta(days=29)))

    assert remove_old_folders() == 0
    assert (folder / "checkpoint.pt").exists()


@pytest.mark.parametrize("state", ["queued", "running", "paused"])
def test_a_run_that_may_go_on_keeps_its_folder_for_ever(team: Team, state: str) -> None:
    traits = {} if state == "queued" else {state: True}
    job = JobFactory(team=team, queued_at=timezone.now() - 10 * LONG_AGO, **traits)
    folder = folder_of(job)

    assert remove_old_folders(now=timezone.now() + 10 * LONG_AGO) == 0
    assert folder.exists()


def test_a_run_that_was_tried_again_keeps_its_folder(ada: User, team: Team) -> None:
    job = ended(team, Job.Status.FAILED, ago=LONG_AGO)
    folder = folder_of(job)
    services.request(job, "retry", ada)

    assert remove_old_folders() == 0
    assert folder.exists()


def test_how_long_is_a_setting(team: Team, settings: Settings) -> None:
    settings.RUN_FOLDER_DAYS = 1
    folder = folder_of(ended(team, Job.Status.FAILED, ago=timedelta(days=2)))

    assert remove_old_folders() == 1
    assert not folder.exists()


@pytest.mark.django_db
def test_the_folder_of_a_job_that_is_gone_goes_once_it_is_old(settings: Settings) -> None:
    runs = Path(settings.RUNS_DIR)
    old, young = (runs / str(uuid4()) for _ in range(2))
    for folder in (old, young):
        folder.mkdir(parents=True)
    then = (timezone.now() - LONG_AGO).timestamp()
    os.utime(old, (then, then))

    assert remove_old_folders() == 1
    assert list(runs.iterdir()) == [young]


@pytest.mark.django_db
def test_a_folder_that_another_worker_took_meanwhile_stops_nothing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = Path(settings.RUNS_DIR)
    old, gone = runs / str(uuid4()), uuid4()
    old.mkdir(parents=True)
    then = (timezone.now() - LONG_AGO).timestamp()
    os.utime(old, (then, then))
    listed = [(runs / str(gone), gone), (old, UUID(old.name))]
    monkeypatch.setattr(purge, "_folders", lambda _: iter(listed))

    assert remove_old_folders() == 1
    assert not old.exists()


@pytest.mark.django_db
def test_what_is_no_folder_of_a_run_is_left_alone(settings: Settings) -> None:
    runs = Path(settings.RUNS_DIR)
    (runs / "notes").mkdir(parents=True)
    (runs / str(uuid4())).write_text("a file")
    left = runs / f".removed-{uuid4()}"
    left.mkdir()  # of a purge that was killed

    assert remove_old_folders() == 0
    assert not left.exists()
    assert (runs / "notes").exists()


def test_the_page_says_when_there_is_nothing_to_go_on_from(
    client: Client, ada: User, team: Team
) -> None:
    lately = ended(team, Job.Status.CANCELLED, ago=timedelta(days=1))
    long_ago = ended(team, Job.Status.CANCELLED, ago=LONG_AGO)
    client.force_login(ada)

    pages = [client.get(f"/jobs/{job.pk}/").content.decode() for job in (lately, long_ago)]

    assert "Trying again goes on from its last checkpoint" in pages[0]
    assert "Its checkpoints were removed since; trying again begins anew" in pages[1]
