"""The engine as a process of its own: started, read line by line, stopped."""

import contextlib
import json
import logging
import os
import queue
import shlex
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator
from typing import IO, Self

from django.conf import settings

from engine.schema.codec import Json
from webapp.guarded import guarded

STOPPED = 3  # exit status: stopped at a checkpoint as asked
USER_ERROR = 2  # exit status: the last line of stderr is for the person

_ENVIRONMENT = (  # all that an engine sees of the worker's environment: no secrets
    "PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "VIRTUAL_ENV", "LD_LIBRARY_PATH",
    "CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES", "CUDA_HOME",
)  # fmt: skip
# glibc gives freed memory back at once and asks for it again at every step; kept warm, a
# training step takes about three quarters of the time.
_ALLOCATOR = {
    "MALLOC_MMAP_THRESHOLD_": str(32 * 2**20),
    "MALLOC_TRIM_THRESHOLD_": str(16 * 2**30),
    "MALLOC_TOP_PAD_": str(256 * 2**20),
}
_TAIL_LINES = 200
_TAIL_LINE_LENGTH = 2000
_BATCH = 200  # lines handed over at a time

logger = logging.getLogger(__name__)


def engine_command() -> list[str]:
    """Return the program that is the engine."""
    return shlex.split(settings.ENGINE_COMMAND) or [sys.executable, "-m", "engine"]


def engine_environment(*, threads: int) -> dict[str, str]:
    """Return the environment an engine gets."""
    kept = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    count = str(threads)
    return {
        **kept,
        **_ALLOCATOR,
        "OMP_NUM_THREADS": count,
        "MKL_NUM_THREADS": count,
        "PYTHONUNBUFFERED": "1",
        "PYTHONHASHSEED": "0",
    }


class EngineProcess:
    """A running engine; leaving the `with` block leaves no process behind."""

    def __init__(self, arguments: list[str], *, threads: int, lock: IO[str]) -> None:
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._tail: deque[str] = deque(maxlen=_TAIL_LINES)
        self._process = subprocess.Popen(  # noqa: S603 # our own program, no shell
            guarded([*engine_command(), *arguments]),
            cwd=settings.BASE_DIR,
            env=engine_environment(threads=threads),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
            pass_fds=[lock.fileno()],
        )
        self._readers = [
            threading.Thread(target=reader, daemon=True)
            for reader in (self._read_stdout, self._read_stderr)
        ]
        for reader in self._readers:
            reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._process.wait()
        for reader in self._readers:
            reader.join()

    @property
    def pid(self) -> int:
        """The process id, of its process group too."""
        return self._process.pid

    @property
    def stderr_tail(self) -> str:
        """The end of what it wrote to stderr."""
        return "\n".join(self._tail)

    @property
    def last_words(self) -> str:
        """The last line of stderr that is not blank."""
        return next((line for line in reversed(self._tail) if line.strip()), "").strip()

    def batches(self, *, every_s: float) -> Iterator[list[Json]]:
        """Yield the events as they come, an empty list where none came for a while.

        What is already there comes in one list, so that a burst costs one transaction.
        """
        ended = False
        while not ended:
            lines: list[str] = []
            try:
                line = self._lines.get(timeout=every_s)
                while line is not None:
                    lines.append(line)
                    if len(lines) == _BATCH:
                        break
                    line = self._lines.get_nowait()
                ended = line is None
            except queue.Empty:
                if self._is_dead():
                    self.kill()  # children that outlive it would hold its pipes open
            yield [_event(line) for line in lines]

    def ask_to_stop(self) -> None:
        """Ask it to write a checkpoint and to end."""
        self._signal(signal.SIGTERM)

    def ask_to_finish(self) -> None:
        """Ask it to end the search and to deliver the best so far."""
        self._signal(signal.SIGUSR1)

    def kill(self) -> None:
        """End it and all it started, now."""
        if self._process.returncode is None:  # not reaped, so the number is still its own
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def exit_status(self) -> int:
        """Wait for its end, and that of all it started; negative: the signal that killed it."""
        os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT)
        self.kill()
        return self._process.wait()

    def _is_dead(self) -> bool:
        look = os.WEXITED | os.WNOWAIT | os.WNOHANG
        return os.waitid(os.P_PID, self._process.pid, look) is not None

    def _signal(self, number: signal.Signals) -> None:
        if self._process.returncode is None:
            os.kill(self._process.pid, number)

    def _read_stdout(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def _read_stderr(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self._tail.append(line.rstrip("\n")[:_TAIL_LINE_LENGTH])


def _event(line: str) -> Json:
    """Return the event of a line; what a library printed becomes a line of the log."""
    try:
        event = json.loads(line)
    except ValueError:
        event = None
    if isinstance(event, dict) and isinstance(event.get("kind"), str):
        return event
    return {"kind": "log_line", "text": line.rstrip()[:_TAIL_LINE_LENGTH], "level": "info"}
