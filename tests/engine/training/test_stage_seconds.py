"""Seconds of a stage add up, whatever ends it."""

import time

import pytest

from engine.training.interrupt import Stopped
from engine.training.stage_seconds import timed


def test_seconds_add_up_stage_by_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([10.0, 12.0, 20.0, 21.5])
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    spent = {"searching": 1.0}

    with timed("searching", spent):
        pass
    with pytest.raises(Stopped), timed("training", spent):
        raise Stopped

    assert spent == {"searching": 3.0, "training": 1.5}
