"""The WebSocket of a job: sends what its log has gained, each line once, and its state."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from redis.exceptions import RedisError

from webapp.accounts.models import User
from webapp.jobs import queries
from webapp.jobs.doorbell import group
from webapp.jobs.queries import EventLine, JobState

NOT_SIGNED_IN = 4401
NOT_VISIBLE = 4404
# The server refuses messages of 64 KiB either way, so that nobody can fill its memory.
FRAME_BYTES = 48 * 1024


class JobConsumer(AsyncJsonWebsocketConsumer):  # type: ignore[misc] # channels has no types
    """One watcher of one job; connecting, a ring and a lost ring all lead to `_catch_up`."""

    look_every_s = 10.0  # finds what no ring told of: lost rings, a lease that ran out

    async def connect(self) -> None:
        """Let in who may see the job; others get a close code that says why."""
        await self.accept()
        self.user = self.scope["user"]
        self.job_id: UUID = self.scope["url_route"]["kwargs"]["job_id"]
        self.sent = _after(self.scope["query_string"])
        self.state: JobState | None = None
        self.turn = asyncio.Lock()
        self.watch: asyncio.Task[None] | None = None
        if not self.user.is_authenticated:
            await self.close(code=NOT_SIGNED_IN)
            return
        # Subscribe before reading, so that no event falls between the two.
        await self._subscribe()
        if await self._catch_up():
            self.watch = asyncio.create_task(self._look_again())

    async def disconnect(self, _code: int) -> None:
        """Stop watching."""
        if self.watch is not None:
            self.watch.cancel()
        if self.user.is_authenticated:
            await self._unsubscribe()

    async def receive_json(self, content: Any, **_kwargs: Any) -> None:  # Any: from outside
        """Answer a ping, so that the page notices a connection that is half open."""
        if isinstance(content, dict) and content.get("type") == "ping":
            await self.send_json({"type": "pong"})

    async def job_advanced(self, _message: dict[str, Any]) -> None:  # Any: of the channel layer
        """Follow the doorbell."""
        await self._catch_up()

    async def _catch_up(self) -> bool:
        """Send what is new; return whether the job is visible (still)."""
        async with self.turn:
            while True:
                news = await database_sync_to_async(_news)(self.user, self.job_id, self.sent)
                if news is None:
                    await self.close(code=NOT_VISIBLE)
                    return False
                events, state = news
                for frame in frames(events):
                    await self.send_json({"type": "events", "events": frame})
                    self.sent = frame[-1]["seq"]
                if self.sent >= state["last_seq"]:
                    break
            if state != self.state:
                await self.send_json({"type": "state", "state": state})
                self.state = state
            return True

    async def _look_again(self) -> None:
        visible = True
        while visible:
            await asyncio.sleep(self.look_every_s)
            visible = await self._catch_up()

    async def _subscribe(self) -> None:
        with suppress(RedisError, OSError):  # then it looks by itself
            await self.channel_layer.group_add(group(self.job_id), self.channel_name)

    async def _unsubscribe(self) -> None:
        with suppress(RedisError, OSError):
            await self.channel_layer.group_discard(group(self.job_id), self.channel_name)


def frames(events: Sequence[EventLine]) -> Iterator[list[EventLine]]:
    """Part events into frames that the server's limit on messages lets through."""
    frame: list[EventLine] = []
    size = 0
    for event in events:
        length = len(json.dumps(event))
        if frame and size + length > FRAME_BYTES:
            yield frame
            frame, size = [], 0
        frame.append(event)
        size += length
    if frame:
        yield frame


def _after(query_string: bytes) -> int:
    """Return the number of the last event that the page has: `?after=N`."""
    text = parse_qs(query_string.decode("ascii", "replace")).get("after", ["0"])[0]
    return int(text) if text.isascii() and text.isdigit() else 0


def _news(user: User, job_id: UUID, sent: int) -> tuple[list[EventLine], JobState] | None:
    """Read the state first: events that come after it only make the next look longer."""
    job = queries.visible_to(user).filter(pk=job_id).first()
    if job is None:
        return None
    state = queries.job_state(job)
    events = queries.events_after(job_id, sent) if job.last_seq > sent else []
    return events, state
