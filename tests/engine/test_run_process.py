"""`python -m engine run` as a worker starts it: stopped by a signal, killed, and started again."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.export.files import write_json
from engine.schema.codec import event_from_json
from engine.schema.events import EpisodeFinished, Event, RunFinished
from engine.schema.quantize_config import QuantizeConfig
from engine.schema.results import Result
from tests.engine.tiny_run import TINY, finished, lasting, tiny_config

ROOT = Path(__file__).resolve().parents[2]


class Engine:
    """The engine's process on one working folder."""

    def __init__(self, folder: Path, config: QuantizeConfig) -> None:
        self.folder = folder
        write_json(folder / "config.json", config)

    def run(
        self, *, after: Callable[[Event], bool] | None = None, send: signal.Signals | None = None
    ) -> tuple[int, list[Event]]:
        """Run to the end, sending a signal once, after the first event that `after` tells."""
        process = self._start()
        assert process.stdout is not None
        events: list[Event] = []
        for line in process.stdout:
            events.append(event_from_json(json.loads(line)))
            if after is not None and send is not None and after(events[-1]):
                process.send_signal(send)
                after = None
        return process.wait(timeout=60), events

    def _start(self) -> "subprocess.Popen[str]":
        places: list[Any] = ["--data-root", self.folder / "data"]
        places += ["--weights-store", self.folder / "weights"]
        return subprocess.Popen(
            [
                *(sys.executable, "-m", "engine", "run", self.folder / "config.json"),
                *("--workdir", self.folder / "run", *places),
            ],
            cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            text=True,
        )


def is_episode(strategy: str, episode: int) -> Callable[[Event], bool]:
    """Tell an episode of a strategy."""
    return lambda event: (
        isinstance(event, EpisodeFinished)
        and (event.strategy, event.episode) == (strategy, episode)
    )


def result_of(events: list[Event]) -> Result:
    last = events[-1]
    assert isinstance(last, RunFinished)
    return last.result


def test_a_terminated_process_says_so_and_goes_on_when_started_again(tmp_path: Path) -> None:
    effort = replace(TINY, finetune_epochs=0)  # another test's matter
    engine = Engine(tmp_path, tiny_config(effort=effort))

    status, before = engine.run(after=is_episode("hill_climb", 1), send=signal.SIGTERM)
    again, after = engine.run()

    assert status == 3
    assert again == 0
    told = [
        (event.strategy, event.episode)
        for event in (*before, *after)
        if isinstance(event, EpisodeFinished)
    ]
    assert len(set(told)) == len(told) == 1 + 1 + 3 + 3 + 3
    assert result_of(after).artifacts


@pytest.mark.long
def test_a_process_told_to_finish_ends_well(tmp_path: Path) -> None:
    status, events = Engine(tmp_path, tiny_config()).run(
        after=is_episode("solver", 1), send=signal.SIGUSR1
    )

    assert status == 0
    assert "agent" not in {row.id for row in result_of(events).contenders}


@pytest.mark.long
def test_a_killed_process_finds_the_same_policy_when_started_again(tmp_path: Path) -> None:
    (tmp_path / "killed").mkdir()
    engine = Engine(tmp_path / "killed", tiny_config())
    for strategy, episode in (("hill_climb", 2), ("random", 2), ("agent", 1), ("agent", 3)):
        status, _ = engine.run(after=is_episode(strategy, episode), send=signal.SIGKILL)
        assert status == -signal.SIGKILL

    status, events = engine.run()

    assert status == 0
    unbroken = finished(tiny_config(), tmp_path / "unbroken")
    assert lasting(result_of(events)) == unbroken.lasting
