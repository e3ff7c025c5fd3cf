"""Float weights that people bring: checked before they are kept, stored under our own names."""

import hashlib
from typing import BinaryIO, cast
from uuid import uuid4

from django.conf import settings
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile

from engine.catalog.checkpoint_header import check_header, read_header
from engine.schema.errors import InvalidConfig
from engine.schema.layers import ModelSpec
from webapp.accounts.models import User
from webapp.jobs.models import CheckpointUpload
from webapp.teams.models import Team

_MIB = 2**20


def store_upload(
    *,
    user: User,
    team: Team,
    file: "UploadedFile[bytes]",
    name: str = "",
    spec: ModelSpec | None = None,
) -> CheckpointUpload:
    """Keep a safetensors file for a team; with a network's `spec`, only weights that fit it.

    Raises:
        InvalidConfig: it is too large, no safetensors file, or does not fit the network.
    """
    size = file.size or 0
    if size > settings.UPLOAD_LIMIT_MB * _MIB:
        raise InvalidConfig(
            "checkpoint",
            f"may have at most {settings.UPLOAD_LIMIT_MB} MiB, got {size / _MIB:.1f} MiB",
        )
    content = cast(BinaryIO, file)  # Django's File reads and seeks like one
    if spec is None:
        read_header(content)
    else:
        check_header(content, spec)
    digest = hashlib.sha256()
    for chunk in file.chunks():
        digest.update(chunk)
    upload_id = uuid4()
    return CheckpointUpload.objects.create(
        id=upload_id,
        team=team,
        owner=user,
        name=(name or file.name or "checkpoint.safetensors")[:120],
        size=size,
        sha256=digest.hexdigest(),
        storage_name=default_storage.save(f"uploads/{upload_id}.safetensors", file),
    )
