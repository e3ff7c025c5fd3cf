"""Float weights that people bring: checked before they are kept, stored under our own names."""

import hashlib
import tempfile
from pathlib import Path
from uuid import uuid4

from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile

from engine.schema.errors import InvalidConfig
from webapp.accounts.models import User
from webapp.jobs.models import CheckpointUpload
from webapp.teams.models import Team

_MIB = 2**20


def store_upload(*, user: User, team: Team, file: "UploadedFile[bytes]", name: str = "") -> CheckpointUpload:
    """Keep a safetensors file that a person uploaded for a team.

    Raises:
        InvalidConfig: it is too large, or no safetensors file.
    """
    from engine.catalog.checkpoint_header import check_header

    if (file.size or 0) > settings.UPLOAD_LIMIT_MB * _MIB:
        raise InvalidConfig(
            "checkpoint",
            f"may have at most {settings.UPLOAD_LIMIT_MB} MiB, got {(file.size or 0) / _MIB:.1f}",
        )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "checkpoint.safetensors"
        sha256, size = _write(file, path)
        check_header(path)
        upload_id = uuid4()
        with path.open("rb") as checked:
            stored = default_storage.save(f"uploads/{upload_id}.safetensors", File(checked))
    return CheckpointUpload.objects.create(
        id=upload_id,
        team=team,
        owner=user,
        name=(name or file.name or "checkpoint.safetensors")[:120],
        size=size,
        sha256=sha256,
        storage_name=stored,
    )


def _write(file: "UploadedFile[bytes]", path: Path) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    with path.open("wb") as target:
        for chunk in file.chunks():
            digest.update(chunk)
            size += len(chunk)
            target.write(chunk)
    return digest.hexdigest(), size
