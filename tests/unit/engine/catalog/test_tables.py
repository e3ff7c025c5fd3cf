"""Tables by their ids, and the host before and after a profile."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from engine.catalog.spaces import SPACES
from engine.catalog.tables import store_table, table_id
from engine.catalog.targets import target_entry
from engine.schema.errors import InvalidConfig
from tests.unit.engine.cost.measured_tables import table_of_space

TABLE = table_of_space(SPACES["tiny"])


def test_a_stored_table_is_found_by_its_id(tmp_path: Path) -> None:
    store_table(TABLE, tmp_path)

    target = target_entry(table_id(TABLE), tables=tmp_path)

    assert target.cost_table == TABLE
    assert target.id == table_id(TABLE)


@pytest.mark.parametrize("target_id", ["table:bench@0123456789ab", "table:bench", "table:../x@.."])
def test_an_unknown_table_is_an_error(target_id: str, tmp_path: Path) -> None:
    store_table(TABLE, tmp_path)

    with pytest.raises(InvalidConfig, match="is not among the tables here"):
        target_entry(target_id, tables=tmp_path)


def test_a_changed_file_is_not_the_table_its_name_says(tmp_path: Path) -> None:
    path = store_table(TABLE, tmp_path)
    document = json.loads(path.read_text())
    document["batch"] = 7
    path.write_text(json.dumps(document))

    with pytest.raises(InvalidConfig, match="is not among the tables here"):
        target_entry(table_id(TABLE), tables=tmp_path)


@pytest.mark.parametrize(("host", "device"), [("host-cpu", "cpu"), ("host-gpu", "cuda")])
def test_a_host_without_a_profile_says_what_to_do(host: str, device: str, tmp_path: Path) -> None:
    with pytest.raises(
        InvalidConfig, match=f"not been profiled.*engine profile.*--device {device}"
    ):
        target_entry(host, tables=tmp_path)


def test_a_host_stands_for_what_was_measured_last(tmp_path: Path) -> None:
    old = replace(TABLE, host="cpu", measured_at="2026-01-01T00:00:00Z")
    new = replace(TABLE, host="cpu", measured_at="2026-02-01T00:00:00Z")
    gpu = replace(TABLE, host="cuda", measured_at="2026-03-01T00:00:00Z")
    for table in (new, old, gpu):
        store_table(table, tmp_path)

    assert target_entry("host-cpu", tables=tmp_path).id == table_id(new)
    assert target_entry("host-gpu", tables=tmp_path).id == table_id(gpu)
