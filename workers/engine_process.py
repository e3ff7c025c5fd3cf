"""The engine as a process of its own: started, asked, ended."""

import contextlib
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO, Self

from django.conf import settings

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
_TAIL_BYTES = 64 * 2**10


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
    """A running engine; leaving the `with` block leaves no process behind.

    It writes into files and not into pipes: neither a slow reader nor a child of its own that
    outlives it can hold anything up.
    """

    def __init__(
        self, arguments: list[str], *, stdout: Path, stderr: Path, threads: int, lock: IO[str]
    ) -> None:
        self._stderr = stderr
        with stdout.open("wb") as events, stderr.open("wb") as words:
            self._process = subprocess.Popen(  # noqa: S603 # our own program, no shell
                guarded([*engine_command(), *arguments]),
                cwd=settings.BASE_DIR,
                env=engine_environment(threads=threads),
                stdin=subprocess.DEVNULL,
                stdout=events,
                stderr=words,
                start_new_session=True,
                pass_fds=[lock.fileno()],
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._process.wait()

    @property
    def pid(self) -> int:
        """The process id, of its process group too."""
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        """Whether it has ended; what it said is in its file by then."""
        if self._process.returncode is not None:
            return True
        # Not reaped yet: until `exit_status` the number must stay its own.
        look = os.WEXITED | os.WNOWAIT | os.WNOHANG
        return os.waitid(os.P_PID, self._process.pid, look) is not None

    def ask_to_stop(self) -> None:
        """Ask it to write a checkpoint and to end."""
        self._signal(signal.SIGTERM)

    def ask_to_finish(self) -> None:
        """Ask it to end the search and to deliver the best so far."""
        self._signal(signal.SIGUSR1)

    def kill(self) -> None:
        """End it and all it started, now."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def exit_status(self) -> int:
        """Wait for its end, and end what it left behind; negative: the signal that killed it."""
        os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT)
        self.kill()
        return self._process.wait()

    def stderr_tail(self) -> str:
        """Return the end of what it wrote to stderr."""
        with self._stderr.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
            return file.read().decode("utf-8", "replace")

    def last_words(self) -> str:
        """Return the last line of stderr that is not blank."""
        lines = [line.strip() for line in self.stderr_tail().splitlines() if line.strip()]
        return lines[-1] if lines else "The engine gave no reason."

    def _signal(self, number: signal.Signals) -> None:
        if self._process.returncode is None:
            os.kill(self._process.pid, number)
