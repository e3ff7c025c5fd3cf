"""A run's files as artifacts: each with its size and SHA-256."""

import hashlib
import json
from pathlib import Path
from typing import Literal

from engine.schema.codec import to_json
from engine.schema.results import Artifact

FOLDER = "artifacts"
_BLOCK = 2**20

Role = Literal["checkpoint", "policy", "config", "table", "architecture", "log", "report"]


def artifact(path: Path, *, workdir: Path, role: Role, title: str, media_type: str) -> Artifact:
    """Return what is to be known of a file below the working folder."""
    return Artifact(
        name=path.name,
        path=str(path.relative_to(workdir)),
        role=role,
        title=title,
        media_type=media_type,
        size=path.stat().st_size,
        sha256=_sha256(path),
    )


def write_json(path: Path, value: object) -> None:
    """Write a schema object as JSON for people."""
    path.write_text(json.dumps(to_json(value), indent=2) + "\n", encoding="utf-8")


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
