"""Files as artifacts: what is told of a file is true of it."""

import hashlib
import json
from pathlib import Path

from engine.export.files import artifact, write_json
from engine.schema.codec import policy_from_json
from engine.schema.policy import LayerBits, Policy


def test_an_artifact_carries_size_hash_and_place(tmp_path: Path) -> None:
    path = tmp_path / "artifacts" / "net.bin"
    path.parent.mkdir()
    content = bytes(range(256)) * 5000  # more than one block
    path.write_bytes(content)

    found = artifact(
        path, workdir=tmp_path, role="log", title="A file", media_type="application/octet-stream"
    )

    assert (found.name, found.path) == ("net.bin", "artifacts/net.bin")
    assert found.size == len(content)
    assert found.sha256 == hashlib.sha256(content).hexdigest()


def test_json_is_written_for_people_and_read_back(tmp_path: Path) -> None:
    policy = Policy(layers={"conv": LayerBits(weight_bits=3, activation_bits=5)}, model_hash="abc")

    write_json(tmp_path / "policy.json", policy)

    text = (tmp_path / "policy.json").read_text()
    assert text.count("\n") > 3
    assert text.endswith("}\n")
    assert policy_from_json(json.loads(text)) == policy
