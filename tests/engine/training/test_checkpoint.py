"""Checkpoints survive a kill at any moment."""

import pickle
import random
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.training.checkpoint import (
    load_checkpoint,
    remove_checkpoint,
    restore_rng,
    rng_state,
    save_checkpoint,
)


def test_a_checkpoint_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    state = {"weights": torch.randn(3), "step": 7, "names": ["a", "b"], "nested": {"x": (1, 2.5)}}

    save_checkpoint(tmp_path / "run" / "c.pt", state)

    loaded = load_checkpoint(tmp_path / "run" / "c.pt")
    assert loaded is not None
    assert torch.equal(loaded.pop("weights"), state.pop("weights"))
    assert loaded == state


def test_where_there_is_none_nothing_is_loaded(tmp_path: Path) -> None:
    assert load_checkpoint(tmp_path / "c.pt") is None


@pytest.mark.parametrize("kept", [0, 1, 10, 500], ids=lambda kept: f"{kept} bytes")
def test_a_checkpoint_cut_short_gives_way_to_the_one_before(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "c.pt"
    save_checkpoint(path, {"step": 1, "weights": torch.zeros(100)})
    save_checkpoint(path, {"step": 2, "weights": torch.zeros(100)})
    path.write_bytes(path.read_bytes()[:kept])

    loaded = load_checkpoint(path)

    assert loaded is not None
    assert loaded["step"] == 1


def test_a_kill_between_the_two_renames_loses_one_generation_only(tmp_path: Path) -> None:
    path = tmp_path / "c.pt"
    save_checkpoint(path, {"step": 1})
    path.rename(tmp_path / "c.pt.previous")

    loaded = load_checkpoint(path)

    assert loaded == {"step": 1}


def test_a_kill_while_writing_leaves_the_last_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "c.pt"
    save_checkpoint(path, {"step": 1})

    def die(state: object, file: object) -> None:
        file.write(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(torch, "save", die)
    with pytest.raises(KeyboardInterrupt):
        save_checkpoint(path, {"step": 2})

    assert load_checkpoint(path) == {"step": 1}


def test_two_damaged_generations_are_as_good_as_none(tmp_path: Path) -> None:
    path = tmp_path / "c.pt"
    for step in (1, 2):
        save_checkpoint(path, {"step": step})
    path.write_bytes(b"")
    (tmp_path / "c.pt.previous").write_bytes(b"")

    assert load_checkpoint(path) is None


class _Malicious:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (exec, ("raise SystemExit('ran')",))


def test_code_in_a_checkpoint_is_not_run(tmp_path: Path) -> None:
    (tmp_path / "raw.pt").write_bytes(pickle.dumps(_Malicious(), protocol=2))
    torch.save({"state": _Malicious()}, tmp_path / "archive.pt")

    assert load_checkpoint(tmp_path / "raw.pt") is None
    assert load_checkpoint(tmp_path / "archive.pt") is None


def test_removing_takes_both_generations(tmp_path: Path) -> None:
    path = tmp_path / "run" / "c.pt"
    for step in (1, 2):
        save_checkpoint(path, {"step": step})

    remove_checkpoint(path)

    assert list(path.parent.iterdir()) == []


def test_the_ambient_generators_go_on_from_a_saved_state(tmp_path: Path) -> None:
    def draw() -> tuple[float, float, float, float]:
        return random.random(), np.random.rand(), np.random.randn(), torch.rand(()).item()

    draw()  # leaves numpy with a second Gaussian in hand
    save_checkpoint(tmp_path / "c.pt", {"rng": rng_state()})
    expected = [draw(), draw()]

    loaded = load_checkpoint(tmp_path / "c.pt")
    assert loaded is not None
    restore_rng(loaded["rng"])

    assert [draw(), draw()] == expected
