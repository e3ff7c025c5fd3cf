"""The outermost edge: whatever goes wrong in an attempt is written down, or left to the lease."""

import threading

import pytest
from django.db import OperationalError

from engine.schema.errors import InvalidConfig
from tests.factories import JobFactory
from webapp.jobs.models import Job
from workers import attempt

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def job() -> Job:
    return JobFactory(running=True)


def run_into(monkeypatch: pytest.MonkeyPatch, job: Job, error: Exception) -> Job:
    """Run an attempt whose engine cannot even be started, for this reason."""

    def refuse(*_args: object, **_kwargs: object) -> None:
        raise error

    monkeypatch.setattr(attempt, "EngineProcess", refuse)
    attempt.run_attempt(job, closing=threading.Event())
    job.refresh_from_db()
    return job


def test_what_the_person_can_mend_is_told_in_its_words(
    monkeypatch: pytest.MonkeyPatch, job: Job
) -> None:
    run_into(monkeypatch, job, InvalidConfig("dataset", "has no classes"))

    assert (job.status, job.error_class) == (Job.Status.FAILED, Job.ErrorClass.USER)
    assert job.error_text == "dataset: has no classes"


def test_anything_else_is_a_bug_with_a_reference(
    monkeypatch: pytest.MonkeyPatch, job: Job, caplog: pytest.LogCaptureFixture
) -> None:
    run_into(monkeypatch, job, RuntimeError("a secret"))

    assert (job.status, job.error_class) == (Job.Status.FAILED, Job.ErrorClass.BUG)
    assert "a secret" not in job.error_text
    assert "a secret" in caplog.text
    assert job.error_text.split("Reference ")[1][:8] in caplog.text


def test_a_database_that_goes_away_leaves_the_job_to_its_lease(
    monkeypatch: pytest.MonkeyPatch, job: Job
) -> None:
    run_into(monkeypatch, job, OperationalError("the server closed the connection"))

    assert job.status == Job.Status.RUNNING
    assert job.lease_until is not None


def test_a_config_from_an_older_version_fails_at_its_field(
    monkeypatch: pytest.MonkeyPatch, job: Job
) -> None:
    Job.objects.filter(pk=job.pk).update(config={**job.config, "word_of_old": 1})
    job.refresh_from_db()

    run_into(monkeypatch, job, AssertionError("the engine must not be started"))

    assert job.error_class == Job.ErrorClass.USER
    assert "word_of_old" in job.error_text
