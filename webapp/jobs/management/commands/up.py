"""`manage.py up`: starts everything, keeps it running, and stops all of it together."""

import contextlib
import fcntl
import os
import signal
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from webapp import preparation, valkey
from webapp.supervisor import Child, ChildFailed, Supervisor

_PORTS_TO_TRY = 20
_STOP_WITHIN_S = settings.CLOSE_SECONDS + 5


class Command(BaseCommand):
    """Starts the embedded Valkey, the web server and one worker."""

    help = "Start everything and print the address. Ctrl-C stops everything."

    def handle(self, *_args: object, **_options: Any) -> None:  # Any: options of the command line
        """Run until somebody asks for the end."""
        supervisor = Supervisor(logs=settings.DATA_DIR / "logs", say=self._say)
        with _only_one(settings.DATA_DIR):
            supervisor.listen_to_signals()
            try:
                self._run(supervisor)
            except (ChildFailed, TimeoutError) as failure:
                raise CommandError(str(failure)) from failure
            finally:
                supervisor.stop(within_s=_STOP_WITHIN_S)

    def _run(self, supervisor: Supervisor) -> None:
        port = _free_port(settings.HOST)
        if not settings.REDIS_URL_GIVEN:
            supervisor.start(_valkey())
        preparation.migrate()
        preparation.collect_static()
        if settings.DEMO_ACCOUNTS:
            call_command("demo", stdout=self.stdout)
        valkey.wait_for(settings.REDIS_URL)
        supervisor.start(_web(port))
        supervisor.start(_worker())
        address = f"http://{_host_in_address()}:{port}/"
        supervisor.watch(until=lambda: _is_healthy(port))
        if not supervisor.stopping:
            self._say(f"Bespoke is at {address}   (logs in {settings.DATA_DIR / 'logs'})")
            supervisor.watch()
        self._say("Stopping.")

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


def _valkey() -> Child:
    # SIGTERM lets it write what it holds; it needs nobody else to end.
    command = valkey.command(settings.VALKEY_DIR)
    return Child(name="valkey", command=command, killed_by=signal.SIGTERM)


def _web(port: int) -> Child:
    return Child(
        name="web",
        command=[
            *(sys.executable, "-m", "daphne", "--bind", settings.HOST, "--port", str(port)),
            *("--no-server-name", "--verbosity", "0", "--websocket-max-message-size", "65536"),
            "webapp.asgi:application",
        ],
        environment=_environment(),
    )


def _worker() -> Child:
    return Child(
        name="worker",
        command=[
            *(sys.executable, "-m", "celery", "--app", "workers", "worker", "--loglevel", "INFO"),
            *("--without-gossip", "--without-mingle", "--without-heartbeat"),
        ],
        environment=_environment(),
    )


def _environment() -> dict[str, str]:
    """Return what all children must agree on, and one thread where nobody needs more."""
    return {
        "REDIS_URL": settings.REDIS_URL_GIVEN,
        "DATA_DIR": str(settings.DATA_DIR),
        "PYTHONPATH": str(settings.BASE_DIR),
        "PYTHONUNBUFFERED": "1",
        "OMP_NUM_THREADS": "1",
    }


@contextlib.contextmanager
def _only_one(data_dir: Path) -> Iterator[None]:
    """Refuse a second start from the same folder: two would share sockets and ports."""
    data_dir.mkdir(parents=True, exist_ok=True)
    with (data_dir / "up.lock").open("a+", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise CommandError(
                f"Bespoke already runs from {data_dir} (process {lock.read().strip()}). Stop it "
                "first, or set DATA_DIR to another folder."
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def _free_port(host: str) -> int:
    """Return PORT, or where nobody chose one the next that is free."""
    chosen = "PORT" in os.environ
    ports = range(settings.PORT, settings.PORT + (1 if chosen else _PORTS_TO_TRY))
    for port in ports:
        if _is_free(host, port):
            return port
    what = f"PORT {ports.start} is" if chosen else f"ports {ports.start} to {ports.stop - 1} are"
    raise CommandError(f"{what} in use; set PORT to a free one")


def _is_free(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def _host_in_address() -> str:
    host: str = settings.HOST
    if host in ("0.0.0.0", "::"):  # noqa: S104 # compared with, not bound to
        return "localhost"
    return f"[{host}]" if ":" in host else host


def _is_healthy(port: int) -> bool:
    # Asked for by a name that is always allowed, whatever ALLOWED_HOSTS holds.
    url = f"http://{_host_in_address()}:{port}/healthz"
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # our own http address
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
