"""A search stopped or killed anywhere ends with the same; a hurried one with the best it has."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.export.files import write_json
from engine.schema.codec import event_from_json
from engine.schema.errors import InvalidConfig
from engine.schema.events import (
    ArchitectureScored,
    EpochFinished,
    Event,
    GatesUpdated,
    Progress,
    RunFinished,
    RunResumed,
    Stage,
)
from tests.engine.tiny_run import Finished, abandon, events_of, finished, lasting, stop
from tests.engine.tiny_search import small_search_constants, tiny_search_config

ROOT = Path(__file__).resolve().parents[2]
After = Callable[[Event], bool]

# Saves after every batch, so that a kill finds a checkpoint in the middle of an epoch.
SAVING_ALWAYS = """
import sys
from engine.proxyless import scoring, supernet_phase
supernet_phase._SAVE_EVERY_S = 0.0
scoring.STATISTICS_IMAGES = 64
from engine.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture(autouse=True, scope="module")
def _small() -> Iterator[None]:
    with small_search_constants():
        yield


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """An uninterrupted search."""
    return finished(tiny_search_config(), tmp_path_factory.mktemp("whole"))


def in_stage(stage: Stage, *, done: int = 1) -> After:
    """Tell the event of so much progress in a stage."""
    return lambda event: isinstance(event, Progress) and event.stage == stage and event.done >= done


def at_gates(step: int) -> After:
    """Tell the event after an architecture step."""
    return lambda event: isinstance(event, GatesUpdated) and event.step == step


def scored(index: int) -> After:
    """Tell the score of a candidate."""
    return lambda event: isinstance(event, ArchitectureScored) and event.index == index


def trained(subject: str) -> After:
    """Tell the last epoch of a network."""
    return lambda event: isinstance(event, EpochFinished) and event.subject == subject


# One after the other, each from where the last one left.
STOPS: tuple[After, ...] = (
    in_stage("training", done=2),
    at_gates(2),
    at_gates(9),
    scored(2),
    in_stage("finetuning"),
    trained("mobilenet_v2"),
    in_stage("exporting", done=2),
)


def search_told(events: list[Event]) -> list[object]:
    return [lasting(e) for e in events if isinstance(e, GatesUpdated | ArchitectureScored)]


def test_a_run_stopped_in_every_stage_ends_with_the_same_result(
    whole: Finished, tmp_path: Path
) -> None:
    told = [stop(tiny_search_config(), tmp_path, after=after) for after in STOPS]
    rest = finished(tiny_search_config(), tmp_path)

    assert lasting(rest.result) == whole.lasting
    resumed = [events[0] for events in (*told[1:], rest.events)]
    assert [event.stage for event in resumed if isinstance(event, RunResumed)] == [
        "training",
        "searching",
        "searching",
        "searching",
        "finetuning",
        "finetuning",
        "finetuning",
    ]
    # Nothing is told twice, and nothing is missing.
    together = [event for events in (*told, rest.events) for event in events]
    assert search_told(together) == search_told(whole.events)


@pytest.mark.parametrize(
    "algorithm", ["gradient", pytest.param("reinforce", marks=pytest.mark.long)]
)
def test_a_process_killed_in_the_middle_of_an_epoch_goes_on_bit_for_bit(
    whole: Finished, tmp_path: Path, algorithm: str
) -> None:
    config = tiny_search_config(algorithm=algorithm)
    if algorithm == "reinforce":
        (tmp_path / "unbroken").mkdir()
        whole = finished(config, tmp_path / "unbroken")
    write_json(tmp_path / "config.json", config)
    process = _start(tmp_path)
    assert process.stdout is not None
    for line in process.stdout:
        if at_gates(4)(event_from_json(json.loads(line))):  # of six in the epoch
            process.send_signal(signal.SIGKILL)
            break
    process.stdout.close()
    assert process.wait(timeout=60) == -signal.SIGKILL

    output, _ = _start(tmp_path).communicate(timeout=120)

    events = [event_from_json(json.loads(line)) for line in output.splitlines()]
    assert isinstance(events[0], RunResumed)
    assert events[0].stage == "searching"
    assert 3 <= events[0].step < 12
    told, unbroken = search_told(events), search_told(whole.events)
    assert told == unbroken[-len(told) :]
    last = events[-1]
    assert isinstance(last, RunFinished)
    assert lasting(last.result) == whole.lasting


def _start(folder: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [
            *(sys.executable, "-c", SAVING_ALWAYS, "run", str(folder / "config.json")),
            *("--workdir", str(folder / "run"), "--data-root", str(folder / "data")),
        ],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(
    "after",
    [
        pytest.param(in_stage("training", done=3), id="warm-up", marks=pytest.mark.long),
        pytest.param(scored(3), id="rescoring", marks=pytest.mark.long),
        pytest.param(trained("random-1"), id="training", marks=pytest.mark.long),
        pytest.param(in_stage("exporting"), id="exporting", marks=pytest.mark.long),
    ],
)
def test_a_run_killed_anywhere_ends_with_the_same_result(
    whole: Finished, tmp_path: Path, after: After
) -> None:
    abandon(tiny_search_config(), tmp_path, after=after)

    assert lasting(finished(tiny_search_config(), tmp_path).result) == whole.lasting


def test_a_hurried_search_ends_with_the_best_it_has(tmp_path: Path) -> None:
    run = finished(tiny_search_config(), tmp_path, finish=at_gates(2))

    assert [row.id for row in run.result.contenders] == ["found"]  # type: ignore[union-attr]
    assert any("ended early, as asked" in note for note in run.result.notes)
    assert any("not every baseline was trained" in note for note in run.result.notes)
    assert run.artifact("checkpoint.safetensors").is_file()


def test_a_folder_of_another_search_is_not_gone_on_with(whole: Finished) -> None:
    with pytest.raises(InvalidConfig, match=r"workdir: .* holds a run of another config"):
        list(events_of(tiny_search_config(seed=1), whole.workdir.parent))
