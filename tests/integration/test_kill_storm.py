"""Many jobs, several workers, and something is killed all the time: each job ends once."""

import contextlib
import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.configs import quantize_config
from tests.programs import Programs, descendants, is_alive, wait_until
from webapp.accounts.models import User
from webapp.jobs import services
from webapp.jobs.models import Attempt, Job, JobEvent
from webapp.teams.models import Team

JOBS, WORKERS, STEPS = 60, 3, 20
STORM_S = 60
ENGINE = "--step-s 0.05"
SHORT_LEASE = {"LEASE_SECONDS": "3"}


@pytest.mark.long
def test_no_job_is_lost_and_none_ends_twice(
    programs: Programs, ada: User, team: Team, data_dir: Path
) -> None:
    for number in range(JOBS):
        config = quantize_config(episodes=STEPS)
        services.submit_job(user=ada, team=team, config=config, name=f"Job {number}")

    seen = _storm(programs)
    programs.start_worker(engine=ENGINE, **SHORT_LEASE)
    wait_until(lambda: _left() == 0, within_s=180, what="the end of all jobs")

    jobs = Job.objects.all()
    assert [job.error_text for job in jobs if job.status != Job.Status.SUCCEEDED] == []
    assert Attempt.objects.filter(outcome=Job.Status.SUCCEEDED).count() == JOBS
    assert Attempt.objects.filter(ended_at=None).count() == 0
    assert Attempt.objects.filter(outcome="lost").count() > 10  # or nothing was put to the test
    for job in jobs:
        log = JobEvent.objects.filter(job=job)
        assert list(log.values_list("seq", flat=True)) == list(range(1, job.last_seq + 1))
        episodes = {event.payload["episode"] for event in log.filter(kind="episode_finished")}
        assert episodes == set(range(1, STEPS + 1))
        assert job.artifacts.count() == 1
    stored = [path for path in (data_dir / "media" / "artifacts").rglob("*") if path.is_file()]
    assert len(stored) >= JOBS
    programs.stop_all()
    wait_until(lambda: not any(map(is_alive, seen)), within_s=10, what="the end of all engines")


def _storm(programs: Programs) -> set[int]:
    """Kill something every half second; return the processes seen below the workers."""
    chance = random.Random(7)
    workers = [programs.start_worker(engine=ENGINE, **SHORT_LEASE) for _ in range(WORKERS)]
    seen: set[int] = set()
    deadline = time.monotonic() + STORM_S
    while time.monotonic() < deadline and _left():
        time.sleep(0.5)
        engines = [pid for worker in workers for pid in descendants(worker.pid)]
        seen.update(engines)
        blow = chance.random()
        if blow < 0.6 and engines:
            _kill(chance.choice(engines))
        elif blow < 0.9:
            index = chance.randrange(WORKERS)
            workers[index] = _replace(workers[index], programs)
        else:
            programs.valkey.kill()
            programs.valkey.wait()
            programs.start_valkey()
    for worker in workers:
        worker.kill()
        worker.wait()
    return seen


def _replace(worker: "subprocess.Popen[bytes]", programs: Programs) -> "subprocess.Popen[bytes]":
    worker.kill()
    worker.wait()
    return programs.start_worker(engine=ENGINE, **SHORT_LEASE)


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):  # it ended by itself meanwhile
        os.kill(pid, signal.SIGKILL)


def _left() -> int:
    return Job.objects.exclude(status__in=Job.TERMINAL).count()
