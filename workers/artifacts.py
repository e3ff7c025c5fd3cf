"""A run's files into storage, each checked against the size and the hash the engine gave."""

import hashlib
from pathlib import Path
from uuid import UUID

from django.core.files import File
from django.core.files.storage import default_storage

from engine.schema.results import Artifact, Result
from webapp.jobs.services import StoredFile


class DamagedArtifact(Exception):
    """A file that is not what the engine said it is."""


def store_artifacts(job_id: UUID, result: Result, workdir: Path) -> list[StoredFile]:
    """Store the files of a result and return them with their names in storage.

    Raises:
        DamagedArtifact: one is missing, lies outside the working folder, or has another hash.
    """
    return [
        StoredFile(artifact=artifact, storage_name=_store(job_id, artifact, workdir))
        for artifact in result.artifacts
    ]


def _store(job_id: UUID, artifact: Artifact, workdir: Path) -> str:
    path = (workdir / artifact.path).resolve()
    if not path.is_relative_to(workdir.resolve()) or not path.is_file():
        raise DamagedArtifact(f"{artifact.path} is no file of the run")
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        size = file.tell()
        if (sha256, size) != (artifact.sha256, artifact.size):
            raise DamagedArtifact(f"{artifact.path} has {size} bytes and SHA-256 {sha256}")
        # Named by its content: an attempt that is repeated leaves nothing twice.
        name = f"artifacts/{job_id}/{sha256}"
        if default_storage.exists(name):
            return name
        file.seek(0)
        return default_storage.save(name, File(file))
