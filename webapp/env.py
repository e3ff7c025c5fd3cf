"""Values from the environment: a wrong one stops the start with a sentence that names it."""

import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn, TypeVar

T = TypeVar("T")

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})


def load_dotenv(path: Path) -> None:
    """Put the `NAME=value` lines of a file into the environment; what is set already stays."""
    if not path.is_file():
        return
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        name, separator, value = text.partition("=")
        if not separator:
            raise SystemExit(f"{path}, line {number}: expected NAME=value, got {text!r}")
        os.environ.setdefault(name.strip(), value.strip().strip("\"'"))


def env_text(name: str, *, default: str = "") -> str:
    """Return a text; an empty variable counts as not set."""
    return os.environ.get(name, "") or default


def env_bool(name: str, *, default: bool) -> bool:
    """Return a yes or a no."""

    def parse(text: str) -> bool:
        word = text.lower()
        if word not in _TRUE | _FALSE:
            raise ValueError("must be 1 or 0 (true, false, yes, no, on and off are read too)")
        return word in _TRUE

    return _read(name, parse, default)


def env_int(name: str, *, default: int, lowest: int = 0, highest: int | None = None) -> int:
    """Return a whole number within its bounds."""

    def parse(text: str) -> int:
        bounds = f"of at least {lowest}" if highest is None else f"from {lowest} to {highest}"
        number = int(text) if text.lstrip("-").isdigit() else None
        if number is None or number < lowest or (highest is not None and number > highest):
            raise ValueError(f"must be a whole number {bounds}")
        return number

    return _read(name, parse, default)


def env_path(name: str, *, default: Path) -> Path:
    """Return an absolute path; `~` is the home folder."""
    return _read(name, lambda text: Path(text).expanduser().absolute(), default)


def env_list(name: str, *, default: list[str]) -> list[str]:
    """Return the parts of a comma-separated list."""
    return _read(
        name, lambda text: [part.strip() for part in text.split(",") if part.strip()], default
    )


def env_choice(name: str, choices: tuple[str, ...], *, default: str) -> str:
    """Return one of the choices, in capitals."""

    def parse(text: str) -> str:
        if text.upper() not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return text.upper()

    return _read(name, parse, default)


def env_secret(name: str, *, keep_in: Path | None) -> str:
    """Return a secret: from the environment, else from a file that is made at the first start.

    Args:
        name: the variable.
        keep_in: the file, readable by its owner alone; None: the variable must be set.
    """
    given = os.environ.get(name, "")
    if given:
        return given
    if keep_in is None:
        _stop(name, "must be set: a long random text that all processes share and nobody else has")
    try:
        return _kept_secret(keep_in)
    except OSError as error:
        _stop(name, f"is not set and cannot be kept in {keep_in}: {error.strerror}")


def _kept_secret(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        # O_EXCL: of several processes that start together one writes, the others read.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text(encoding="ascii").strip()
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        secret = secrets.token_urlsafe(50)
        file.write(secret)
    return secret


def _read(name: str, parse: Callable[[str], T], default: T) -> T:
    text = os.environ.get(name, "").strip()
    if not text:
        return default
    try:
        return parse(text)
    except ValueError as error:
        _stop(name, f"{error}, got {text!r}")


def _stop(name: str, message: str) -> NoReturn:
    raise SystemExit(f"{name} {message}")
