"""What a command reads and what it leaves: JSON files, folders, an answer on stdout, a status."""

import json
import os
import sys
from pathlib import Path

from engine.schema.errors import InvalidConfig

OK, UNREAD, USER_ERROR, STOPPED = 0, 1, 2, 3  # exit statuses


def print_answer(value: object) -> int:
    """Print an answer as JSON and return the exit status."""
    try:
        print(json.dumps(value, indent=1, allow_nan=False), flush=True)
    except BrokenPipeError:
        # The reader has seen enough, as `head` has; the interpreter must not flush again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return UNREAD
    return OK


def read_json(path: Path, field: str) -> object:
    """Return what a JSON file holds. Raises InvalidConfig: it cannot be read."""
    try:
        data: object = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidConfig(field, f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InvalidConfig(field, f"{path} is not a text file in UTF-8") from error
    except json.JSONDecodeError as error:
        raise InvalidConfig(
            field, f"{path} is not JSON: {error.msg} in line {error.lineno}"
        ) from error
    return data


def make_folder(path: Path, field: str) -> None:
    """Make a folder that is to be written to. Raises InvalidConfig: it cannot be made."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidConfig(field, f"cannot make {path}: {error.strerror}") from error
