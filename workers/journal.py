"""What an engine says, in a file of its attempt: nothing is lost with the worker that reads it.

A pipe would be emptied into a worker's memory, and a checkpoint written meanwhile would lie past
what the log will ever hold. The log keeps count of what it has of each attempt's file.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from engine.schema.codec import Json
from webapp.jobs.models import Job

RESULT = "run_finished"  # the kind of a run's last event
_LONGEST_TEXT = 2000  # characters of a line that is no event


class Journal:
    """The events of one attempt, read on from where the log stands."""

    def __init__(self, workdir: Path, *, attempt: int, read_bytes: int = 0) -> None:
        self.path = workdir / f"events.{attempt}.jsonl"
        self.attempt = attempt
        self.read_bytes = read_bytes
        self.path.touch()
        # Held open: a successor of this attempt may finish the job and remove the folder.
        self._file = self.path.open("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def read(self) -> list[Json]:
        """Return the events of the lines that were completed since the last time."""
        self._file.seek(self.read_bytes)
        said = self._file.read()
        complete = said[: said.rfind(b"\n") + 1]
        self.read_bytes += len(complete)
        # Not splitlines(): to it a line ends at U+2028 too, which JSON may hold.
        return [_event(line.decode("utf-8", "replace")) for line in complete.split(b"\n")[:-1]]


def unread_journals(job: Job, workdir: Path) -> Iterator[Journal]:
    """Yield what earlier attempts' engines said on this machine, each from where the log stands."""
    earlier = job.attempts.filter(number__lt=job.attempt).order_by("number")
    for number, logged_bytes in earlier.values_list("number", "logged_bytes"):
        with Journal(workdir, attempt=number, read_bytes=logged_bytes) as journal:
            yield journal


def _event(line: str) -> Json:
    """Return the event of a line; what a library printed becomes a line of the log."""
    try:
        event = json.loads(line)
    except ValueError:
        event = None
    if isinstance(event, dict) and isinstance(event.get("kind"), str):
        return event
    return {"kind": "log_line", "text": line[:_LONGEST_TEXT], "level": "info"}
