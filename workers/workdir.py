"""The folder in which a job's attempts run, one after the other, and never two at a time."""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO
from uuid import UUID

from django.conf import settings
from django.core.files.storage import default_storage

from engine.catalog.tables import store_table
from engine.schema.codec import to_json
from engine.schema.configs import Config
from engine.schema.errors import InvalidConfig
from engine.schema.profile_config import ProfileConfig
from engine.schema.quantize_config import QuantizeConfig
from webapp.jobs.admission import upload_of
from webapp.jobs.found_networks import found_network, is_found_network
from webapp.jobs.models import ArtifactFile
from webapp.tables.targets import targets_of
from webapp.teams.models import Team

_WAIT_FOR_PREDECESSOR_S = 10.0
_BLOCK = 2**20


def workdir_of(job_id: UUID) -> Path:
    """Return where a job's attempts run on this machine."""
    return Path(settings.RUNS_DIR) / str(job_id)


def remove(job_id: UUID) -> None:
    """Drop what a job's attempts left, once its files are stored."""
    shutil.rmtree(workdir_of(job_id), ignore_errors=True)


@contextlib.contextmanager
def locked(workdir: Path) -> Iterator[IO[str]]:
    """Hold the folder for one engine, which inherits the lock and drops it at its death.

    An engine of an earlier attempt, whose worker is stuck and has lost the lease, is ended first:
    two would write over each other's checkpoint.
    """
    workdir.mkdir(parents=True, exist_ok=True)
    with (workdir / "lock").open("a+", encoding="ascii") as lock:
        if not _take(lock):
            _end_predecessor(lock)
        yield lock


def hand_over(lock: IO[str], pid: int) -> None:
    """Leave the lock to the process group that inherited it, and write down which it is."""
    lock.seek(0)
    lock.truncate()
    lock.write(str(pid))
    lock.close()  # a copy of ours would hold the folder when the engine is long dead


def write_config(workdir: Path, config: Config, team: Team) -> Path:
    """Write the config that the engine reads; what it names in storage is laid beside it.

    Raises:
        InvalidConfig: an upload or a found network is gone, or not what was stored.
    """
    data = to_json(config)
    if isinstance(config, QuantizeConfig) and is_found_network(config.model):
        data |= _lay_network(workdir, config, team)
    upload = upload_of(config.checkpoint, team) if isinstance(config, QuantizeConfig) else None
    if upload is not None:
        checkpoint = workdir / "checkpoint.safetensors"
        if _copy(upload.storage_name, checkpoint) != upload.sha256:
            raise InvalidConfig("checkpoint", "the stored file is damaged; upload it again")
        data["checkpoint"] = str(checkpoint)
    path = workdir / "config.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


def lay_tables(workdir: Path, config: Config, team: Team) -> Path:
    """Return the folder in which the engine looks tables up; the one that it needs lies there.

    Raises:
        InvalidConfig: the team has no such table, or the host was not profiled.
    """
    folder = workdir / "tables"
    # What an earlier attempt found stays: a host is the same table all through a run.
    if isinstance(config, ProfileConfig) or any(folder.glob("*.json")):
        return folder
    table = targets_of(team).entry(config.target).cost_table
    if table is not None:
        store_table(table, folder)
    return folder


def _lay_network(workdir: Path, config: QuantizeConfig, team: Team) -> dict[str, str]:
    """Lay a found network's files in the folder; return the fields that name them."""
    found = found_network(config.model, team.jobs.all())
    architecture = workdir / "architecture.json"
    _lay(found.file("architecture"), architecture)
    named = {"model": f"file:{architecture}"}
    if config.checkpoint is None:
        checkpoint = workdir / "found.safetensors"
        _lay(found.file("checkpoint"), checkpoint)
        named["checkpoint"] = str(checkpoint)
    return named


def _lay(file: ArtifactFile, target: Path) -> None:
    if _copy(file.storage_name, target) != file.sha256:
        raise InvalidConfig("model", f"the stored {file.name} is damaged; search again")


def _take(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _end_predecessor(lock: IO[str]) -> None:
    lock.seek(0)
    text = lock.read().strip()
    if text.isdigit():
        # Whoever holds the lock is alive, so the number is not somebody else's by now.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(int(text), signal.SIGKILL)
    deadline = time.monotonic() + _WAIT_FOR_PREDECESSOR_S
    while not _take(lock):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{lock.name} is held by process {text or 'unknown'}")
        time.sleep(0.05)


def _copy(storage_name: str, target: Path) -> str:
    """Copy a file out of storage and return its SHA-256."""
    digest = hashlib.sha256()
    with default_storage.open(storage_name, "rb") as source, target.open("wb") as copy:
        while block := source.read(_BLOCK):
            digest.update(block)
            copy.write(block)
    return digest.hexdigest()
