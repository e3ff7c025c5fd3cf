"""Claims and leases: at least one execution, exactly one effect."""

import threading
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from engine.schema.codec import to_json
from engine.schema.events import CheckpointSaved
from tests.factories import AttemptFactory, JobFactory
from webapp.jobs import services
from webapp.jobs.models import Attempt, Job

NOON = datetime(2026, 3, 1, 12, tzinfo=timezone.get_default_timezone())
AFTER_THE_LEASE = timedelta(seconds=61)


@pytest.mark.django_db
def test_a_claim_takes_the_highest_priority_first_and_then_the_oldest() -> None:
    young = JobFactory(queued_at=NOON)
    old = JobFactory(queued_at=NOON - timedelta(hours=1))
    urgent = JobFactory(queued_at=NOON, priority=5)

    claimed = [services.claim_job(worker="w") for _ in range(4)]

    assert [job and job.pk for job in claimed] == [urgent.pk, old.pk, young.pk, None]


@pytest.mark.django_db
def test_a_claim_counts_the_attempt_and_sets_the_lease() -> None:
    JobFactory()

    job = services.claim_job(worker="host:7", now=NOON)

    assert job is not None
    assert (job.status, job.attempt, job.worker) == (Job.Status.RUNNING, 1, "host:7")
    assert job.lease_until == NOON + timedelta(seconds=60)
    assert Attempt.objects.get(job=job).number == 1


@pytest.mark.django_db
@pytest.mark.parametrize("state", ["running", "paused", "failed", "cancelled", "succeeded"])
def test_only_a_queued_job_is_claimed(state: str) -> None:
    JobFactory(**{state: True})

    assert services.claim_job(worker="w") is None


@pytest.mark.django_db(transaction=True)
def test_many_workers_that_claim_at_once_get_one_job_each() -> None:
    jobs = {JobFactory().pk for _ in range(6)}
    start = threading.Barrier(8)
    claimed: list[object] = []

    def claim() -> None:
        start.wait()
        job = services.claim_job(worker=threading.current_thread().name)
        claimed.append(job.pk if job else None)
        connection.close()

    threads = [threading.Thread(target=claim) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(map(str, claimed)) == sorted([*map(str, jobs), "None", "None"])
    assert Attempt.objects.count() == 6


@pytest.mark.django_db
def test_a_renewed_lease_counts_from_now() -> None:
    job = JobFactory(running=True)

    requested = services.renew_lease(job.pk, 1, now=NOON)

    job.refresh_from_db()
    assert job.lease_until == NOON + timedelta(seconds=60)
    assert requested == Job.Request.NONE


@pytest.mark.django_db
def test_who_renews_hears_what_was_requested() -> None:
    job = JobFactory(running=True, requested=Job.Request.PAUSE)

    assert services.renew_lease(job.pk, 1) == Job.Request.PAUSE
    assert services.requested_of(job.pk, 1) == Job.Request.PAUSE


@pytest.mark.django_db
def test_an_expired_lease_goes_back_to_the_queue_with_its_place() -> None:
    job = JobFactory(running=True, lease_until=NOON, queued_at=NOON - timedelta(hours=2))

    count = services.requeue_expired_leases(now=NOON + AFTER_THE_LEASE)

    job.refresh_from_db()
    assert count == 1
    assert (job.status, job.lease_until, job.worker) == (Job.Status.QUEUED, None, "")
    assert job.queued_at == NOON - timedelta(hours=2)
    assert job.attempts.get().outcome == "lost"


@pytest.mark.django_db
def test_a_lease_that_still_runs_is_left_alone() -> None:
    job = JobFactory(running=True, lease_until=NOON)

    assert services.requeue_expired_leases(now=NOON - timedelta(seconds=1)) == 0

    job.refresh_from_db()
    assert job.status == Job.Status.RUNNING


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("requested", "status"),
    [("cancel", Job.Status.CANCELLED), ("pause", Job.Status.PAUSED), ("finish", Job.Status.QUEUED)],
)
def test_a_lost_job_ends_as_a_person_asked(requested: str, status: str) -> None:
    job = JobFactory(running=True, lease_until=NOON, requested=requested)

    services.requeue_expired_leases(now=NOON + AFTER_THE_LEASE)

    job.refresh_from_db()
    assert job.status == status


@pytest.mark.django_db
def test_stop_and_keep_the_best_is_still_wanted_of_the_next_attempt() -> None:
    job = JobFactory(running=True, lease_until=NOON, requested=Job.Request.FINISH)

    services.requeue_expired_leases(now=NOON + AFTER_THE_LEASE)
    claimed = services.claim_job(worker="w")

    assert claimed is not None
    assert claimed.pk == job.pk
    assert claimed.requested == Job.Request.FINISH


@pytest.mark.django_db
def test_a_worker_that_wakes_after_its_lease_can_write_nothing() -> None:
    job = JobFactory(running=True, lease_until=NOON)
    services.requeue_expired_leases(now=NOON + AFTER_THE_LEASE)
    successor = services.claim_job(worker="other")
    assert successor is not None
    line = {"kind": "log_line", "text": "late", "level": "info"}
    writes = [
        lambda: services.append_event(job.pk, 1, line),
        lambda: services.renew_lease(job.pk, 1),
        lambda: services.requested_of(job.pk, 1),
        lambda: services.finish_job(job.pk, 1, JobFactory(succeeded=True).result, []),
        lambda: services.fail_job(job.pk, 1, Job.ErrorClass.BUG, "late"),
        lambda: services.stop_job(job.pk, 1),
        lambda: services.lose_attempt(job.pk, 1, "late"),
    ]

    for write in writes:
        with pytest.raises(services.LeaseLost):
            write()

    services.append_event(job.pk, 2, line)  # the same write of its successor is taken
    assert job.events.filter(payload__text="late").count() == 1


@pytest.mark.django_db
def test_a_job_is_given_up_after_five_lost_attempts_in_a_row() -> None:
    job = JobFactory(queued_at=NOON)
    statuses = []
    for minute in range(5):
        now = NOON + timedelta(minutes=2 * minute)
        services.claim_job(worker="w", now=now)
        services.requeue_expired_leases(now=now + AFTER_THE_LEASE)
        job.refresh_from_db()
        statuses.append(job.status)

    assert statuses == ["queued", "queued", "queued", "queued", "failed"]
    assert job.error_class == Job.ErrorClass.INFRASTRUCTURE
    assert "5 attempts" in job.error_text


@pytest.mark.django_db
def test_a_job_that_gets_further_each_time_is_not_given_up() -> None:
    job = JobFactory(queued_at=NOON)
    for minute in range(8):
        now = NOON + timedelta(minutes=2 * minute)
        claimed = services.claim_job(worker="w", now=now)
        assert claimed is not None
        saved = to_json(CheckpointSaved(stage="searching", step=minute))
        services.append_event(job.pk, claimed.attempt, saved, now=now)
        services.requeue_expired_leases(now=now + AFTER_THE_LEASE)

    job.refresh_from_db()
    assert (job.status, job.attempt) == (Job.Status.QUEUED, 8)


@pytest.mark.django_db
def test_a_retry_counts_lost_attempts_anew(ada: object) -> None:
    job = JobFactory(failed=True, attempt=5)
    for number in range(1, 6):
        AttemptFactory(job=job, number=number, outcome="lost", started_at=NOON)
    services.request(job, "retry", ada, now=NOON + timedelta(hours=1))  # type: ignore[arg-type]

    services.claim_job(worker="w", now=NOON + timedelta(hours=2))
    services.requeue_expired_leases(now=NOON + timedelta(hours=3))

    job.refresh_from_db()
    assert job.status == Job.Status.QUEUED


@pytest.mark.django_db
def test_a_worker_seen_lately_is_listed_and_one_long_gone_is_forgotten() -> None:
    services.note_worker("old", slots=1, now=NOON - timedelta(days=2))

    services.note_worker("new", slots=2, now=NOON)
    services.note_worker("new", slots=2, now=NOON + timedelta(seconds=5))

    from webapp.jobs.models import Worker

    assert [worker.name for worker in Worker.objects.all()] == ["new"]
