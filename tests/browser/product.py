"""The product as a person starts it: `manage.py up` in a folder and on a port of its own."""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

from tests.programs import ROOT, wait_until

READY_WITHIN_S = 90
_SCRIPTED = f"{sys.executable} -m tests.scripted_engine"


class Product:
    """Everything running: web server, Valkey, one worker with the real engine.

    `scripted` are options of the scripted engine, which then takes the real one's place.
    """

    def __init__(self, folder: Path, *, scripted: str | None = None) -> None:
        self._engine = "" if scripted is None else f"{_SCRIPTED} {scripted}"
        self.data_dir = folder / "var"
        self._log = folder / "up.log"
        self.port = _free_port()
        self.address = f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "manage.py", "up"],
                cwd=ROOT,
                env={
                    **os.environ,
                    "DATA_DIR": str(self.data_dir),
                    "PORT": str(self.port),
                    "LOOKOUT_SECONDS": "1",
                    "ENGINE_COMMAND": self._engine,
                    "OMP_NUM_THREADS": "1",
                },
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        wait_until(self._is_up, within_s=READY_WITHIN_S, what=f"the product:\n{self.output()}")

    def stop(self) -> None:
        """Stop it as Ctrl-C does."""
        self._process.terminate()
        try:
            self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def password(self, person: str) -> str:
        """Return the password that the first start printed for one of the demo accounts."""
        found = re.search(rf"^\s+{person}\s+(\S+)$", self.output(), re.MULTILINE)
        assert found, f"no password for {person} in:\n{self.output()}"
        return found[1]

    def output(self) -> str:
        """Return what the start command said."""
        return self._log.read_text() if self._log.exists() else ""

    def _is_up(self) -> bool:
        assert self._process.poll() is None, self.output()
        return f"Bespoke is at {self.address}/" in self.output()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port
