"""How attempts end."""

import pytest

from engine.schema.codec import to_json
from engine.schema.errors import InvalidConfig
from engine.schema.results import Artifact
from tests.configs import quantize_config
from tests.factories import JobFactory
from tests.results import quantize_result
from webapp.jobs import services
from webapp.jobs.models import Job

ARTIFACT = Artifact(
    name="policy.json",
    path="artifacts/policy.json",
    role="policy",
    title="Bit policy",
    media_type="application/json",
    size=14,
    sha256="ab" * 32,
)


@pytest.mark.django_db
def test_a_finished_job_has_its_result_its_files_and_a_last_line() -> None:
    job = JobFactory(running=True, requested=Job.Request.FINISH)
    result = quantize_result(quantize_config(), artifacts=[ARTIFACT])
    stored = services.StoredFile(artifact=ARTIFACT, storage_name="artifacts/x")

    services.finish_job(job.pk, 1, to_json(result), [stored])

    job.refresh_from_db()
    assert (job.status, job.fraction, job.requested) == (Job.Status.SUCCEEDED, 1.0, "")
    assert job.found_accuracy == 0.88
    assert job.found_cost == result.contender("solver").cost["latency_ms"]
    assert job.lease_until is None
    assert job.finished_at is not None
    file = job.artifacts.get()
    assert (file.name, file.storage_name, file.sha256) == ("policy.json", "artifacts/x", "ab" * 32)
    assert job.attempts.get().outcome == "succeeded"


@pytest.mark.django_db
def test_the_log_keeps_no_second_copy_of_the_result() -> None:
    job = JobFactory(running=True)

    services.finish_job(job.pk, 1, to_json(quantize_result(quantize_config())), [])

    last = job.events.get(kind="run_finished")
    assert last.payload == {"kind": "run_finished", "found": "solver", "artifacts": 0}


@pytest.mark.django_db
def test_what_is_no_result_changes_nothing() -> None:
    job = JobFactory(running=True)

    with pytest.raises(InvalidConfig):
        services.finish_job(job.pk, 1, {"kind": "quantize"}, [])

    job.refresh_from_db()
    assert (job.status, job.last_seq) == (Job.Status.RUNNING, 0)


@pytest.mark.django_db
def test_a_failed_job_says_why() -> None:
    job = JobFactory(running=True)

    services.fail_job(job.pk, 1, Job.ErrorClass.USER, "dataset: no images")

    job.refresh_from_db()
    assert (job.status, job.error_class) == (Job.Status.FAILED, Job.ErrorClass.USER)
    assert job.error_text == "dataset: no images"
    assert job.events.get().payload["level"] == "warning"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("requested", "status", "outcome"),
    [
        ("cancel", "cancelled", "cancelled"),
        ("pause", "paused", "paused"),
        ("", "queued", "released"),
        ("finish", "queued", "released"),
    ],
)
def test_a_stopped_attempt_ends_as_asked(requested: str, status: str, outcome: str) -> None:
    job = JobFactory(running=True, requested=requested)

    services.stop_job(job.pk, 1)

    job.refresh_from_db()
    assert (job.status, job.attempts.get().outcome) == (status, outcome)


@pytest.mark.django_db
def test_being_released_again_and_again_is_no_fault_of_the_job() -> None:
    job = JobFactory()
    for _ in range(8):
        claimed = services.claim_job(worker="w")
        assert claimed is not None
        services.stop_job(claimed.pk, claimed.attempt)

    job.refresh_from_db()
    assert (job.status, job.attempt) == (Job.Status.QUEUED, 8)
