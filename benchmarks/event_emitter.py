"""Writes a job's log as a worker does, at a steady pace: `python -m benchmarks.event_emitter`.

job                   makes a running job that nobody else works on, prints its id
emit JOB COUNT PAUSE  appends COUNT episodes, prints when each was handed over, in ms by number
"""

import json
import sys
import time
from datetime import timedelta
from uuid import UUID

import django
from django.utils import timezone

from engine.schema.codec import digest, to_json
from engine.schema.events import Progress
from tests import haq_run
from tests.configs import quantize_config


def main(arguments: list[str]) -> None:
    django.setup()
    if arguments[0] == "job":
        print(running_job())
    else:
        job_id, count, pause_s = arguments[1:]
        print(json.dumps(emit(UUID(job_id), int(count), float(pause_s))))


def running_job() -> str:
    """Return the id of a job of Ada's that looks as if a worker had it."""
    from webapp.accounts.models import User  # noqa: PLC0415 # needs Django to be set up
    from webapp.jobs.models import Job  # noqa: PLC0415 # the same

    ada = User.objects.get(username="ada")
    config, now = quantize_config(), timezone.now()
    job = Job.objects.create(
        team=ada.teams.get(),
        owner=ada,
        name="Benchmark",
        kind=config.kind,
        config=to_json(config),
        config_hash=digest(config),
        model=config.model,
        dataset=config.dataset,
        target=config.target,
        budget_metric="latency_ms",
        budget_limit=4.0,
        status=Job.Status.RUNNING,
        attempt=1,
        stage="searching",
        lease_until=now + timedelta(hours=1),
        queued_at=now,
        started_at=now,
    )
    return str(job.pk)


def emit(job_id: UUID, count: int, pause_s: float) -> dict[int, float]:
    """Append an episode and its progress at a time; return by number when, in ms since 1970."""
    from webapp.jobs import services  # noqa: PLC0415 # needs Django to be set up

    events = haq_run.events(quantize_config(), scored=40)
    episodes = [to_json(event) for event in events if event.kind == "episode_finished"]
    handed_over: dict[int, float] = {}
    for number in range(1, count + 1):
        progress = Progress(
            stage="searching", done=number, total=count, unit="policies", fraction=number / count
        )
        batch = [episodes[number % len(episodes)], to_json(progress)]
        handed_over[number] = 1000 * time.time()
        services.append_events(job_id, 1, batch)
        time.sleep(pause_s)
    return handed_over


if __name__ == "__main__":
    main(sys.argv[1:])
