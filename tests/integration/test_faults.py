"""Whatever is killed, a job is taken up again from its checkpoint and ends once."""

import os
import signal
from pathlib import Path

import pytest
import redis
from django.utils import timezone

from tests.configs import quantize_config
from tests.programs import Programs, descendants, is_alive, wait_until
from webapp.accounts.models import User
from webapp.celery import wake_worker
from webapp.jobs import services
from webapp.jobs.models import Job
from webapp.teams.models import Team

# A job that outlasts what is done to it on a machine that is busy with other things, and one that
# nobody waits for.
MANY, ENDLESS = 100, 10_000


@pytest.fixture
def submit(programs: Programs, ada: User, team: Team):  # type: ignore[no-untyped-def]
    def submit(*, episodes: int = 5) -> Job:
        return services.submit_job(
            user=ada, team=team, config=quantize_config(episodes=episodes), name="A search"
        )

    return submit


def wait_for_end(job: Job, *, within_s: float = 150.0) -> Job:
    wait_until(lambda: fresh(job).is_over, within_s=within_s, what="the job's end")
    return fresh(job)


def fresh(job: Job) -> Job:
    job.refresh_from_db()
    return job


def steps(job: Job) -> list[int]:
    return [event.payload["episode"] for event in job.events.filter(kind="episode_finished")]


def told(job: Job) -> str:
    return "\n".join(str(event.payload) for event in job.events.all())


def wait_for_step(job: Job, step: int) -> None:
    wait_until(lambda: step in steps(job), what=f"step {step}")


def engine_pid(job: Job) -> int:
    from workers.workdir import workdir_of

    return int(Path(workdir_of(job.pk) / "lock").read_text())


def test_a_job_runs_to_its_result_and_its_files(programs: Programs, submit) -> None:
    programs.start_worker()

    job = wait_for_end(submit(episodes=5))

    assert (job.status, job.attempt, job.fraction) == (Job.Status.SUCCEEDED, 1, 1.0)
    assert job.result is not None
    assert job.found_accuracy == 0.88
    assert steps(job) == [1, 2, 3, 4, 5]
    numbers = list(job.events.values_list("seq", flat=True))
    assert numbers == list(range(1, job.last_seq + 1))
    file = job.artifacts.get()
    assert file.name == "policy.json"
    from workers.workdir import workdir_of

    wait_until(lambda: not workdir_of(job.pk).exists(), what="the working folder's removal")


def test_a_killed_engine_goes_on_from_its_checkpoint_on_the_next_attempt(
    programs: Programs, submit
) -> None:
    programs.start_worker(engine="--die-at 3 --with SIGKILL")

    job = wait_for_end(submit(episodes=5))

    assert (job.status, job.attempt) == (Job.Status.SUCCEEDED, 2)
    assert steps(job) == [1, 2, 3, 4, 5]
    assert [attempt.outcome for attempt in job.attempts.all()] == ["lost", "succeeded"]
    resumed = job.events.get(kind="run_resumed")
    assert resumed.payload["step"] == 2
    assert "SIGKILL" in told(job)


def test_an_engine_that_is_killed_again_and_again_ends_as_failed(
    programs: Programs, submit
) -> None:
    programs.start_worker(engine="--die-at 1 --with SIGSEGV --times 99")

    job = wait_for_end(submit())

    assert (job.status, job.error_class) == (Job.Status.FAILED, Job.ErrorClass.INFRASTRUCTURE)
    assert job.attempt == 5
    assert "SIGSEGV" in job.error_text


def test_a_killed_worker_takes_its_engine_along_and_another_goes_on(
    programs: Programs, submit
) -> None:
    first = programs.start_worker(engine="--step-s 0.2", LEASE_SECONDS="2")
    job = submit(episodes=MANY)
    wait_for_step(job, 2)
    engine = engine_pid(job)

    os.kill(first.pid, signal.SIGKILL)
    first.wait()

    wait_until(lambda: not is_alive(engine), what="the engine's end")
    programs.start_worker(engine="--step-s 0.01", LEASE_SECONDS="2")
    job = wait_for_end(job)
    assert (job.status, job.attempt) == (Job.Status.SUCCEEDED, 2)
    assert steps(job) == list(range(1, MANY + 1))
    assert [attempt.outcome for attempt in job.attempts.all()] == ["lost", "succeeded"]


def test_a_worker_that_wakes_late_writes_nothing_and_ends_its_engine(
    programs: Programs, submit
) -> None:
    first = programs.start_worker(engine="--step-s 0.2", LEASE_SECONDS="2")
    job = submit(episodes=MANY)
    wait_for_step(job, 2)
    old_engine = engine_pid(job)
    os.kill(first.pid, signal.SIGSTOP)

    programs.start_worker(engine="--step-s 0.01", LEASE_SECONDS="2")
    job = wait_for_end(job)
    os.kill(first.pid, signal.SIGCONT)

    assert not is_alive(old_engine)
    wait_until(
        lambda: "the lease was lost" in programs.log("worker"), what="the late worker's giving up"
    )
    assert (fresh(job).status, job.attempt) == (Job.Status.SUCCEEDED, 2)
    last_attempts = list(job.events.order_by("seq").values_list("attempt", flat=True))
    assert last_attempts == sorted(last_attempts)  # nothing of attempt 1 after attempt 2 began


def test_a_message_delivered_ten_times_runs_the_job_once(programs: Programs, submit) -> None:
    job = submit(episodes=3)
    for _ in range(10):
        wake_worker()

    programs.start_worker()
    programs.start_worker()

    job = wait_for_end(job)
    assert (job.status, job.attempt) == (Job.Status.SUCCEEDED, 1)
    assert steps(job) == [1, 2, 3]


def test_a_flushed_redis_loses_no_job(programs: Programs, submit) -> None:
    jobs = [submit(episodes=1) for _ in range(3)]
    with redis.Redis.from_url(programs.redis_url) as client:
        client.flushall()

    programs.start_worker()

    ended = [wait_for_end(job) for job in jobs]
    assert {job.status for job in ended} == {Job.Status.SUCCEEDED}
    assert {job.attempt for job in ended} == {1}


def test_a_job_submitted_while_redis_is_away_is_found(programs: Programs, submit) -> None:
    programs.stop_all()

    job = submit(episodes=1)

    programs.start_valkey()
    programs.start_worker()
    assert wait_for_end(job).status == Job.Status.SUCCEEDED


@pytest.mark.parametrize(
    ("what", "status"), [("cancel", Job.Status.CANCELLED), ("pause", Job.Status.PAUSED)]
)
def test_the_engine_is_closed_before_the_last_status_is_written(
    programs: Programs, submit, ada: User, what, status: str
) -> None:
    programs.start_worker(engine="--step-s 0.1")
    job = submit(episodes=ENDLESS)
    wait_for_step(job, 2)
    engine = engine_pid(job)

    services.request(job, what, ada)
    wait_until(lambda: fresh(job).status == status, what=f"the job {status}")

    assert not is_alive(engine)
    assert job.attempts.get().outcome == status


def test_a_paused_job_goes_on_where_it_stopped(programs: Programs, submit, ada: User) -> None:
    programs.start_worker(engine="--step-s 0.05")
    job = submit(episodes=ENDLESS)  # however late the pause comes, there is something to pause
    wait_for_step(job, 2)
    services.request(job, "pause", ada)
    wait_until(lambda: fresh(job).status == Job.Status.PAUSED, what="the pause")
    paused_at = len(steps(job))

    services.request(job, "resume", ada)

    wait_for_step(job, paused_at + 2)
    services.request(fresh(job), "finish", ada)
    job = wait_for_end(job)
    assert (job.status, job.attempt) == (Job.Status.SUCCEEDED, 2)
    assert steps(job) == list(range(1, len(steps(job)) + 1))


def test_stop_and_keep_the_best_ends_with_a_result(programs: Programs, submit, ada: User) -> None:
    programs.start_worker(engine="--step-s 0.1")
    job = submit(episodes=ENDLESS)
    wait_for_step(job, 2)

    services.request(job, "finish", ada)

    job = wait_for_end(job)
    assert job.status == Job.Status.SUCCEEDED
    assert len(steps(job)) < ENDLESS


def test_an_engine_that_ignores_the_request_is_killed_after_a_bound(
    programs: Programs, submit, ada: User
) -> None:
    programs.start_worker(engine="--step-s 0.1 --deaf", STOP_SECONDS="1")
    job = submit(episodes=ENDLESS)
    wait_for_step(job, 1)

    services.request(job, "cancel", ada)

    assert wait_for_end(job).status == Job.Status.CANCELLED


def test_a_worker_that_is_stopped_hands_its_job_on(programs: Programs, submit) -> None:
    first = programs.start_worker(engine="--step-s 0.1")
    job = submit(episodes=MANY)
    wait_for_step(job, 2)

    first.terminate()
    first.wait(timeout=60)

    assert fresh(job).status == Job.Status.QUEUED
    assert job.attempts.get().outcome == "released"
    programs.start_worker(engine="--step-s 0.01")
    job = wait_for_end(job)
    assert (job.status, job.attempt) == (Job.Status.SUCCEEDED, 2)
    assert steps(job) == list(range(1, MANY + 1))


def test_a_users_error_is_told_in_the_engines_words(programs: Programs, submit) -> None:
    programs.start_worker(engine="--die-at 2 --with user")

    job = wait_for_end(submit())

    assert (job.status, job.error_class) == (Job.Status.FAILED, Job.ErrorClass.USER)
    assert job.error_text == "dataset: image 7 cannot be read; replace it"
    assert job.attempt == 1


def test_a_bug_shows_a_reference_and_keeps_its_trace_to_the_log(programs: Programs, submit) -> None:
    programs.start_worker(engine="--die-at 2 --with bug")

    job = wait_for_end(submit())

    assert (job.status, job.error_class) == (Job.Status.FAILED, Job.ErrorClass.BUG)
    reference = job.error_text.split("Reference ")[1].split(":")[0]
    assert f"Reference {reference}" in programs.log("worker")
    assert "a secret of the trace" in programs.log("worker")
    assert "secret" not in told(job)


def test_a_model_outside_the_catalogue_is_described_while_a_job_runs(
    programs: Programs, submit
) -> None:
    programs.start_worker(engine="--step-s 0.1")
    job = submit(episodes=ENDLESS)
    wait_for_step(job, 1)

    known = services.describe_model("resnet50", "")
    unknown = services.describe_model("no_such_model", "")

    for description in (known, unknown):
        wait_until(lambda d=description: d.refresh_from_db() or d.status != "waiting")
    assert (known.status, known.spec["model"]) == ("ready", "resnet50")
    assert unknown.error_text == "model: torchvision has no 'no_such_model'"


def test_no_process_outlives_a_worker(programs: Programs, submit) -> None:
    worker = programs.start_worker(engine="--step-s 0.2")
    wait_for_step(submit(episodes=ENDLESS), 1)
    below = descendants(worker.pid)
    assert below

    worker.kill()
    worker.wait()

    wait_until(lambda: not any(map(is_alive, below)), what="the engine's end")


def test_the_queue_says_that_no_worker_runs(programs: Programs, submit) -> None:
    from webapp.jobs.queries import job_state

    job = submit(episodes=1)

    assert "No worker is running" in job_state(job, now=timezone.now())["waiting_for"]
    programs.start_worker()
    wait_for_end(job)
    assert job_state(fresh(job))["waiting_for"] == ""
