"""One engine at a time in a job's folder; what it reads is laid there."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile

from engine.catalog.models import layer_table
from engine.catalog.spaces import SPACES
from engine.catalog.tables import stored_table, stored_tables, table_id
from engine.schema.codec import config_from_json, to_json
from engine.schema.errors import InvalidConfig
from tests.configs import quantize_config, search_config
from tests.factories import DeviceTableFactory
from tests.programs import ROOT, is_alive
from tests.safetensors_files import weights_of
from tests.unit.engine.cost.measured_tables import table_of_space
from webapp.accounts.models import User
from webapp.jobs import services
from webapp.jobs.models import CheckpointUpload
from webapp.teams.models import Team
from workers import workdir as workdirs


@pytest.fixture
def upload(ada: User, team: Team) -> CheckpointUpload:
    spec = layer_table("mobilenet_v2_small")
    assert spec is not None
    return services.store_upload(
        user=ada, team=team, file=SimpleUploadedFile("w.safetensors", weights_of(spec))
    )


def sleeper(lock: object) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(60)"],
        cwd=ROOT,
        pass_fds=[lock.fileno()],
        start_new_session=True,
    )


def test_the_config_is_written_as_it_is(tmp_path: Path, team: Team) -> None:
    config = quantize_config()

    path = workdirs.write_config(tmp_path, config, team)

    assert config_from_json(json.loads(path.read_text())) == config


def test_uploaded_weights_lie_beside_the_config(
    tmp_path: Path, team: Team, upload: CheckpointUpload
) -> None:
    config = quantize_config(checkpoint=f"upload:{upload.pk}")

    path = workdirs.write_config(tmp_path, config, team)

    checkpoint = Path(json.loads(path.read_text())["checkpoint"])
    assert checkpoint == tmp_path / "checkpoint.safetensors"
    assert checkpoint.read_bytes() == default_storage.open(upload.storage_name).read()


def test_weights_that_were_damaged_in_storage_are_not_used(
    tmp_path: Path, team: Team, upload: CheckpointUpload
) -> None:
    default_storage.delete(upload.storage_name)
    default_storage.save(upload.storage_name, ContentFile(b"something else"))

    with pytest.raises(InvalidConfig, match="damaged"):
        workdirs.write_config(tmp_path, quantize_config(checkpoint=f"upload:{upload.pk}"), team)


def test_the_table_that_a_target_names_lies_where_the_engine_looks(
    tmp_path: Path, team: Team
) -> None:
    row = DeviceTableFactory(team=team)

    tables = workdirs.lay_tables(tmp_path, quantize_config(target=row.target), team)

    assert to_json(stored_table(row.target, tables)) == row.document


def test_a_host_is_one_table_all_through_a_run(tmp_path: Path, team: Team) -> None:
    config, times = search_config(target="host-cpu"), table_of_space(SPACES["tiny"], host="cpu")
    first = DeviceTableFactory(team=team, table=times, host="host-cpu")
    workdirs.lay_tables(tmp_path, config, team)
    DeviceTableFactory(team=team, table=replace(times, title="Newer"), host="host-cpu")

    tables = workdirs.lay_tables(tmp_path, config, team)

    assert [table_id(table) for table in stored_tables(tables)] == [first.target]


def test_another_teams_table_is_not_laid(tmp_path: Path, team: Team) -> None:
    row = DeviceTableFactory()

    with pytest.raises(InvalidConfig, match="not among your team's tables"):
        workdirs.lay_tables(tmp_path, quantize_config(target=row.target), team)


def test_a_target_of_the_catalogue_needs_no_table(tmp_path: Path, team: Team) -> None:
    assert not workdirs.lay_tables(tmp_path, quantize_config(), team).exists()


def test_an_earlier_engine_in_the_folder_is_ended_first(tmp_path: Path) -> None:
    with workdirs.locked(tmp_path) as lock:
        earlier = sleeper(lock)
        workdirs.hand_over(lock, earlier.pid)

    with workdirs.locked(tmp_path):
        assert not is_alive(earlier.pid)
    earlier.wait()


def test_a_folder_whose_engine_has_ended_is_free(tmp_path: Path) -> None:
    with workdirs.locked(tmp_path) as lock:
        earlier = sleeper(lock)
        workdirs.hand_over(lock, earlier.pid)
    earlier.kill()
    earlier.wait()
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])

    try:
        with workdirs.locked(tmp_path) as lock:
            # Whatever number stands there by now, only who holds the lock is ended.
            workdirs.hand_over(lock, bystander.pid)
        with workdirs.locked(tmp_path):
            assert is_alive(bystander.pid)
    finally:
        bystander.kill()
        bystander.wait()
