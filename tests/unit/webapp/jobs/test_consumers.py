"""The socket: subscribe, then read; each line once; nothing for strangers."""

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from asgiref.sync import sync_to_async
from channels.db import database_sync_to_async
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator
from django.contrib.auth.models import AnonymousUser
from django.urls import path

from engine.schema.codec import to_json
from engine.schema.events import LogLine
from tests.factories import JobFactory
from webapp.accounts.models import User
from webapp.jobs import services
from webapp.jobs.consumers import JobConsumer
from webapp.jobs.models import Job
from webapp.teams.models import Membership, Team

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.asyncio]
Connect = Callable[..., WebsocketCommunicator]


@pytest.fixture
def job(ada: User, team: Team) -> Job:
    job = JobFactory(running=True, team=team, owner=ada)
    services.append_events(job.pk, 1, [line("one"), line("two")])
    return job


@pytest.fixture
def connect() -> Connect:
    def connect(
        user: User | AnonymousUser, job_id: UUID, *, after: str = "0", look_every_s: float = 60
    ) -> WebsocketCommunicator:
        consumer = type("Consumer", (JobConsumer,), {"look_every_s": look_every_s})
        application = URLRouter([path("ws/jobs/<uuid:job_id>/", consumer.as_asgi())])
        socket = WebsocketCommunicator(application, f"/ws/jobs/{job_id}/?after={after}")
        socket.scope["user"] = user
        return socket

    return connect


def line(text: str) -> dict[str, Any]:
    return to_json(LogLine(text=text))


async def opened(socket: WebsocketCommunicator) -> WebsocketCommunicator:
    accepted, _ = await socket.connect()
    assert accepted
    return socket


async def texts(socket: WebsocketCommunicator) -> list[str]:
    message = await socket.receive_json_from()
    assert message["type"] == "events"
    return [event["payload"]["text"] for event in message["events"]]


async def state(socket: WebsocketCommunicator) -> dict[str, Any]:
    message = await socket.receive_json_from()
    assert message["type"] == "state"
    return message["state"]


append = database_sync_to_async(services.append_events)


async def test_who_connects_gets_the_log_so_far_and_then_the_state(
    connect: Connect, ben: User, job: Job
) -> None:
    socket = await opened(connect(ben, job.pk))

    assert await texts(socket) == ["one", "two"]
    assert (await state(socket))["last_seq"] == 2
    await socket.disconnect()


async def test_who_comes_back_gets_only_what_is_new(connect: Connect, ada: User, job: Job) -> None:
    socket = await opened(connect(ada, job.pk, after="1"))

    assert await texts(socket) == ["two"]
    await socket.disconnect()


@pytest.mark.parametrize("after", ["-3", "nonsense", "", "1e9", "²"])
async def test_a_number_that_is_none_means_from_the_start(
    connect: Connect, ada: User, job: Job, after: str
) -> None:
    from urllib.parse import quote

    socket = await opened(connect(ada, job.pk, after=quote(after)))

    assert await texts(socket) == ["one", "two"]
    await socket.disconnect()


async def test_a_ring_brings_what_was_appended_once(connect: Connect, ada: User, job: Job) -> None:
    socket = await opened(connect(ada, job.pk, after="2"))
    assert (await state(socket))["last_seq"] == 2

    await append(job.pk, 1, [line("three")])
    await append(job.pk, 1, [line("four"), line("five")])

    received: list[str] = []
    while len(received) < 3:
        message = await socket.receive_json_from()
        if message["type"] == "events":
            received += [event["payload"]["text"] for event in message["events"]]
    assert received == ["three", "four", "five"]
    await socket.disconnect()


async def test_two_watchers_see_the_same(connect: Connect, ada: User, ben: User, job: Job) -> None:
    sockets = [await opened(connect(user, job.pk, after="2")) for user in (ada, ben)]
    for socket in sockets:
        await state(socket)

    await append(job.pk, 1, [line("three")])

    assert [await texts(socket) for socket in sockets] == [["three"], ["three"]]
    for socket in sockets:
        await socket.disconnect()


async def test_a_lost_ring_is_made_good_by_looking(
    connect: Connect, ada: User, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    socket = await opened(connect(ada, job.pk, after="2", look_every_s=0.05))
    await state(socket)
    monkeypatch.setattr("webapp.jobs.doorbell.ring", lambda _job_id: None)

    await append(job.pk, 1, [line("three")])

    assert await texts(socket) == ["three"]
    await socket.disconnect()


async def test_a_long_log_comes_in_batches_without_a_gap(
    connect: Connect, ada: User, job: Job
) -> None:
    await append(job.pk, 1, [line(str(number)) for number in range(1200)])
    socket = await opened(connect(ada, job.pk, after="2"))

    received: list[str] = []
    while len(received) < 1200:
        received += await texts(socket)

    assert received == [str(number) for number in range(1200)]
    assert (await state(socket))["last_seq"] == 1202
    await socket.disconnect()


async def test_no_frame_is_larger_than_the_server_lets_through(
    connect: Connect, ada: User, job: Job
) -> None:
    lines = [line("x" * 3000) for _ in range(60)]
    await database_sync_to_async(services.append_events)(job.pk, 1, lines)
    socket = connect(ada, job.pk)
    await socket.connect()

    texts: list[str] = []
    while not texts or '"type": "state"' not in texts[-1]:
        texts.append(await socket.receive_from())

    seqs = [event["seq"] for text in texts[:-1] for event in json.loads(text)["events"]]
    assert seqs == list(range(1, 63))
    assert max(len(text.encode()) for text in texts) < 64 * 1024
    await socket.disconnect()


async def test_a_request_is_told_to_who_watches(connect: Connect, ada: User, job: Job) -> None:
    socket = await opened(connect(ada, job.pk, after="2"))
    await state(socket)

    await database_sync_to_async(services.request)(job, "cancel", ada)

    assert await texts(socket) == ["ada asked for: cancel."]
    assert (await state(socket))["requested"] == "cancel"
    await socket.disconnect()


async def test_a_ping_is_answered(connect: Connect, ada: User, job: Job) -> None:
    socket = await opened(connect(ada, job.pk, after="2"))
    await state(socket)

    await socket.send_json_to({"type": "ping"})

    assert await socket.receive_json_from() == {"type": "pong"}
    await socket.disconnect()


async def test_who_is_not_signed_in_is_told_so(connect: Connect, job: Job) -> None:
    socket = await opened(connect(AnonymousUser(), job.pk))

    assert (await socket.receive_output())["code"] == 4401


async def test_a_stranger_is_told_the_same_as_of_a_job_that_is_not(
    connect: Connect, cleo: User, job: Job
) -> None:
    answers = [
        await (await opened(connect(cleo, job_id))).receive_output() for job_id in (job.pk, uuid4())
    ]

    assert answers[0] == answers[1]
    assert answers[0]["code"] == 4404


async def test_who_leaves_the_team_gets_nothing_more(connect: Connect, ben: User, job: Job) -> None:
    socket = await opened(connect(ben, job.pk, after="2"))
    await state(socket)
    await sync_to_async(Membership.objects.filter(user=ben).delete)()

    await append(job.pk, 1, [line("secret")])

    assert (await socket.receive_output())["code"] == 4404
    assert await socket.receive_nothing()
