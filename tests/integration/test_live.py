"""From the worker to the watcher, across processes: the log, once, in order, and soon."""

import statistics
import time
from datetime import datetime
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.db import database_sync_to_async
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator
from django.urls import path
from django.utils import timezone

from tests.configs import quantize_config
from tests.programs import Programs
from webapp.accounts.models import User
from webapp.jobs import services
from webapp.jobs.consumers import JobConsumer
from webapp.jobs.models import Job
from webapp.teams.models import Team


class PatientConsumer(JobConsumer):
    """Looks by itself so seldom that only rings explain what it sends."""

    look_every_s = 600.0


async def watch(job: Job, user: User) -> tuple[list[dict[str, Any]], list[float]]:
    """Follow a job to its end; return its events, and how late each came, in seconds."""
    application = URLRouter([path("ws/jobs/<uuid:job_id>/", PatientConsumer.as_asgi())])
    socket = WebsocketCommunicator(application, f"/ws/jobs/{job.pk}/")
    socket.scope["user"] = user
    await socket.connect()
    events: list[dict[str, Any]] = []
    delays: list[float] = []
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        message = await socket.receive_json_from(timeout=30)
        if message["type"] == "events":
            now = timezone.now()
            events += message["events"]
            delays += [
                (now - datetime.fromisoformat(event["at"])).total_seconds()
                for event in message["events"]
            ]
        elif message["state"]["is_over"]:
            break
    await socket.disconnect()
    return events, delays


@pytest.mark.asyncio
async def test_a_watcher_sees_every_line_once_and_at_once(
    programs: Programs, ada: User, team: Team
) -> None:
    submit = database_sync_to_async(services.submit_job)
    job = await submit(user=ada, team=team, config=quantize_config(episodes=40))
    await sync_to_async(programs.start_worker)(engine="--step-s 0.05")

    events, delays = await watch(job, ada)

    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    episodes = [event["payload"] for event in events if event["kind"] == "episode_finished"]
    assert [episode["episode"] for episode in episodes] == list(range(1, 41))
    # On a free core the median is under 20 ms; this bound holds on busy ones too.
    assert statistics.median(delays[-100:]) < 0.2
