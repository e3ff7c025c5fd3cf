"""The product's programs as tests start them: Valkey, workers, each to be killed at will."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from webapp import valkey
from webapp.guarded import guarded

ROOT = Path(__file__).resolve().parent.parent
T = TypeVar("T")


def wait_until(condition: Callable[[], T], *, within_s: float = 120.0, what: str = "") -> T:
    """Return the condition's first true value, or fail with what was waited for."""
    deadline = time.monotonic() + within_s
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within_s:g} s: {what or condition.__name__}")
        time.sleep(0.05)
    return value


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that is dead and waits for its parent does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def descendants(pid: int) -> list[int]:
    """Return the processes below one, those in other process groups too."""
    listed = subprocess.run(
        ["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True
    ).stdout
    children: dict[int, list[int]] = {}
    for line in listed.splitlines():
        child, parent = map(int, line.split())
        children.setdefault(parent, []).append(child)
    found, todo = [], [pid]
    while todo:
        below = children.get(todo.pop(), [])
        found += below
        todo += below
    return found


class Programs:
    """Valkey and workers on a session's database; all end with the test."""

    def __init__(self, data_dir: Path, logs: Path) -> None:
        self.data_dir = data_dir
        self.logs = logs
        self.redis_url = f"unix://{data_dir / 'valkey' / 'valkey.sock'}"
        self._running: list[subprocess.Popen[bytes]] = []

    def start_valkey(self) -> "subprocess.Popen[bytes]":
        """Start the embedded server and wait for it."""
        self.valkey = self._start("valkey", valkey.command(self.data_dir / "valkey"), {})
        valkey.wait_for(self.redis_url)
        return self.valkey

    def start_worker(self, *, engine: str = "", **environment: str) -> "subprocess.Popen[bytes]":
        """Start a worker; `engine` are options of the scripted engine."""
        from webapp.jobs.models import Worker

        command = [*(sys.executable, "-m", "celery", "--app", "workers", "worker")]
        quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
        worker = self._start(
            "worker",
            [*command, *quiet],
            {
                "LOOKOUT_SECONDS": "1",
                "ENGINE_COMMAND": f"{sys.executable} -m tests.scripted_engine {engine}",
                **environment,
            },
        )

        def is_ready() -> bool:
            if worker.poll() is not None:
                raise AssertionError(
                    f"the worker ended at its start:\n{self.log('worker')[-2000:]}"
                )
            return Worker.objects.filter(name__endswith=f":{worker.pid}").exists()

        wait_until(is_ready, what="a worker that is ready")
        return worker

    def stop_all(self) -> None:
        """Kill whatever still runs."""
        for process in self._running:
            process.send_signal(signal.SIGCONT)
            process.kill()
            process.wait()

    def log(self, name: str) -> str:
        """Return what a kind of program wrote."""
        return (self.logs / f"{name}.log").read_text(errors="replace")

    def _start(
        self, name: str, command: list[str], environment: dict[str, str]
    ) -> "subprocess.Popen[bytes]":
        with (self.logs / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                guarded(command),
                cwd=ROOT,
                env={
                    **os.environ,
                    "DATA_DIR": str(self.data_dir),
                    "OMP_NUM_THREADS": "1",
                    **environment,
                },
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._running.append(process)
        return process
