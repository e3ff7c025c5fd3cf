"""Child processes kept alive together and ended together, whatever ends their parent."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from webapp.guarded import guarded

_LOOK_EVERY_S = 0.2
_STEADY_AFTER_S = 60.0  # a child that ran so long starts with a clean sheet
_MOST_RESTARTS = 5
_LARGEST_LOG = 10 * 2**20
_TAIL_LINES = 15


class ChildFailed(Exception):
    """A child that does not stay up; the text says which, and the end of its log."""


@dataclass(kw_only=True)
class Child:
    """A program that is to run as long as the supervisor does."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    # What it gets should the supervisor be killed. SIGKILL is the one that leaves no orphan.
    killed_by: signal.Signals = signal.SIGKILL
    restarts: int = 0
    started_at: float = 0.0
    start_again_at: float = 0.0
    process: "subprocess.Popen[bytes] | None" = None


class Supervisor:
    """Starts children in order, restarts those that die, stops them in reverse order."""

    def __init__(self, *, logs: Path, say: Callable[[str], object]) -> None:
        self._logs = logs
        self._say = say
        self._children: list[Child] = []
        self._stopping = False
        logs.mkdir(parents=True, exist_ok=True)

    def listen_to_signals(self) -> None:
        """Let SIGINT, SIGTERM and SIGHUP end `watch`."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)

    @property
    def stopping(self) -> bool:
        """Whether somebody asked for the end."""
        return self._stopping

    def start(self, child: Child) -> None:
        """Start a child and keep it."""
        self._children.append(child)
        self._spawn(child)

    def watch(self, *, until: Callable[[], bool] = lambda: False) -> None:
        """Keep the children alive until somebody asks for the end, or `until` is true.

        Raises:
            ChildFailed: a child died again and again.
        """
        while not self._stopping and not until():
            for child in self._children:
                self._look_after(child)
            time.sleep(_LOOK_EVERY_S)

    def stop(self, *, within_s: float) -> None:
        """End the children, the last started first; who is not done in time is killed."""
        deadline = time.monotonic() + within_s
        for child in reversed(self._children):
            if child.process is None or child.process.poll() is not None:
                continue
            child.process.terminate()
            try:
                child.process.wait(timeout=max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                self._say(f"{child.name} did not end in time and was killed")
                _kill_group(child.process)
                child.process.wait()

    def _on_signal(self, _number: int, _frame: object) -> None:
        self._stopping = True

    def _look_after(self, child: Child) -> None:
        assert child.process is not None
        status = child.process.poll()
        now = time.monotonic()
        if status is None:
            return
        if not child.start_again_at:
            child.restarts = 0 if now - child.started_at > _STEADY_AFTER_S else child.restarts + 1
            if child.restarts > _MOST_RESTARTS:
                raise ChildFailed(
                    f"{child.name} ended {child.restarts} times in a row, last with status "
                    f"{status}. The end of {self._log_path(child)}:\n{self.tail(child)}"
                )
            pause = 0.5 * 2 ** max(0, child.restarts - 1)
            child.start_again_at = now + pause
            self._say(f"{child.name} ended with status {status}; it starts again in {pause:g} s")
        elif now >= child.start_again_at:
            self._spawn(child)

    def tail(self, child: Child) -> str:
        """Return the end of a child's log."""
        lines = self._log_path(child).read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(lines[-_TAIL_LINES:])

    def _spawn(self, child: Child) -> None:
        path = self._log_path(child)
        if path.exists() and path.stat().st_size > _LARGEST_LOG:
            path.replace(path.with_suffix(".1.log"))
        with path.open("ab") as log:
            child.process = subprocess.Popen(  # noqa: S603 # our own commands, no shell
                guarded(child.command, by=child.killed_by),
                env={**os.environ, **child.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a Ctrl-C is the supervisor's to hand on
            )
        child.started_at = time.monotonic()
        child.start_again_at = 0.0

    def _log_path(self, child: Child) -> Path:
        return self._logs / f"{child.name}.log"


def _kill_group(process: "subprocess.Popen[bytes]") -> None:
    os.killpg(process.pid, signal.SIGKILL)
