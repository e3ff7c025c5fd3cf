"""A run's files are checked before they are stored, and nothing outside its folder is."""

import hashlib
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from django.core.files.storage import default_storage
from pytest_django import Settings

from engine.schema.results import Artifact
from tests.configs import quantize_config
from tests.results import quantize_result
from workers.artifacts import DamagedArtifact, store_artifacts

CONTENT = b'{"layers": {}}'
ARTIFACT = Artifact(
    name="policy.json",
    path="artifacts/policy.json",
    role="policy",
    title="Bit policy",
    media_type="application/json",
    size=len(CONTENT),
    sha256=hashlib.sha256(CONTENT).hexdigest(),
)


@pytest.fixture
def workdir(tmp_path: Path) -> Path:
    workdir = tmp_path / "run"
    (workdir / "artifacts").mkdir(parents=True)
    (workdir / "artifacts" / "policy.json").write_bytes(CONTENT)
    return workdir


def test_a_file_is_stored_under_its_hash(workdir: Path) -> None:
    job_id = uuid4()

    (stored,) = store_artifacts(
        job_id, quantize_result(quantize_config(), artifacts=[ARTIFACT]), workdir
    )

    assert stored.storage_name == f"artifacts/{job_id}/{ARTIFACT.sha256}"
    assert default_storage.open(stored.storage_name).read() == CONTENT


def test_storing_again_leaves_one_file(workdir: Path, settings: Settings) -> None:
    job_id = uuid4()
    result = quantize_result(quantize_config(), artifacts=[ARTIFACT])

    for _ in range(2):
        store_artifacts(job_id, result, workdir)

    assert len([p for p in Path(settings.MEDIA_ROOT).rglob("*") if p.is_file()]) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"sha256": "0" * 64},
        {"size": 3},
        {"path": "artifacts/absent.json"},
        {"path": "../secret-key"},
        {"path": "/etc/passwd"},
        {"path": "artifacts/link"},
        {"path": "artifacts"},
    ],
    ids=str,
)
def test_what_is_not_what_the_engine_said_is_refused(
    workdir: Path, settings: Settings, changes: dict[str, object]
) -> None:
    (workdir.parent / "secret-key").write_bytes(CONTENT)
    (workdir / "artifacts" / "link").symlink_to(workdir.parent / "secret-key")
    result = quantize_result(quantize_config(), artifacts=[replace(ARTIFACT, **changes)])

    with pytest.raises(DamagedArtifact):
        store_artifacts(uuid4(), result, workdir)

    assert not Path(settings.MEDIA_ROOT).exists()
