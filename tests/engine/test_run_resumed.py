"""A run stopped or killed anywhere ends with the same; a hurried one with the best it has."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.schema.codec import event_from_json
from engine.schema.config_parts import TrainingRecipe
from engine.schema.errors import InvalidConfig
from engine.schema.events import (
    CheckpointSaved,
    EpisodeFinished,
    Event,
    LogLine,
    Progress,
    RunFinished,
    RunResumed,
    SensitivityMeasured,
    Stage,
)
from engine.schema.quantize_config import QuantizeConfig
from engine.training.interrupt import Interrupt, Stopped
from tests.engine.tiny_run import (
    BUDGET,
    Finished,
    abandon,
    events_of,
    finished,
    lasting,
    small_constants,
    stop,
    tiny_config,
)

After = Callable[[Event], bool]


@pytest.fixture(autouse=True, scope="module")
def _small() -> Iterator[None]:
    with small_constants():
        yield


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """An uninterrupted run."""
    return finished(tiny_config(), tmp_path_factory.mktemp("whole"))


def in_stage(stage: Stage, *, done: int = 1) -> After:
    """Tell the event of so much progress in a stage."""
    return lambda event: isinstance(event, Progress) and event.stage == stage and event.done >= done


def at_episode(strategy: str, episode: int) -> After:
    """Tell an episode of a strategy."""
    return lambda event: (
        isinstance(event, EpisodeFinished)
        and (event.strategy, event.episode) == (strategy, episode)
    )


# One after the other, each from where the last one left.
STOPS: tuple[After, ...] = (
    in_stage("preparing"),
    in_stage("sensitivity", done=5),
    at_episode("solver", 1),
    at_episode("hill_climb", 2),
    at_episode("random", 1),
    at_episode("agent", 1),
    at_episode("agent", 3),
    in_stage("finetuning"),
    in_stage("exporting", done=2),
)


def test_a_run_stopped_in_every_stage_ends_with_the_same_result(
    whole: Finished, tmp_path: Path
) -> None:
    told = [stop(tiny_config(), tmp_path, after=after) for after in STOPS]
    rest = finished(tiny_config(), tmp_path)

    assert lasting(rest.result) == whole.lasting
    resumed = [events[0] for events in (*told[2:], rest.events)]
    assert all(isinstance(event, RunResumed) for event in resumed)
    # No episode is told twice, and none is missing.
    episodes = [
        lasting(event)
        for events in (*told, rest.events)
        for event in events
        if isinstance(event, EpisodeFinished | SensitivityMeasured)
    ]
    assert episodes == [
        lasting(event)
        for event in whole.events
        if isinstance(event, EpisodeFinished | SensitivityMeasured)
    ]


@pytest.mark.parametrize(
    "after",
    [
        pytest.param(in_stage("sensitivity", done=9), id="sensitivity", marks=pytest.mark.long),
        pytest.param(at_episode("hill_climb", 2), id="climb", marks=pytest.mark.long),
        pytest.param(at_episode("agent", 2), id="agent"),
        pytest.param(in_stage("exporting"), id="exporting", marks=pytest.mark.long),
    ],
)
def test_a_run_killed_anywhere_ends_with_the_same_result(
    whole: Finished, tmp_path: Path, after: After
) -> None:
    abandon(tiny_config(), tmp_path, after=after)

    resumed = finished(tiny_config(), tmp_path)

    assert lasting(resumed.result) == whole.lasting
    assert logged(resumed) == logged(whole)


def test_a_line_that_a_kill_cut_short_is_written_anew(whole: Finished, tmp_path: Path) -> None:
    abandon(tiny_config(), tmp_path, after=at_episode("solver", 1))
    log = tmp_path / "run" / "artifacts" / "log.jsonl"
    log.write_text(log.read_text()[:-20])

    resumed = finished(tiny_config(), tmp_path)

    assert logged(resumed) == logged(whole)


def logged(run: Finished) -> list[object]:
    """Return what a run's log tells, but for what hangs on the clock or says that it went on."""
    lines = run.artifact("log.jsonl").read_text().splitlines()
    told = [event_from_json(json.loads(line)) for line in lines]
    return [lasting(event) for event in told if not isinstance(event, RunResumed | LogLine)]


def test_a_finished_run_started_again_tells_the_same_result(whole: Finished) -> None:
    again = finished(tiny_config(), whole.workdir.parent)

    assert lasting(again.result) == whole.lasting
    assert not [event for event in again.events if isinstance(event, EpisodeFinished)]


def test_a_hurried_search_ends_with_the_best_so_far(tmp_path: Path) -> None:
    run = finished(tiny_config(), tmp_path, finish=at_episode("hill_climb", 2))

    assert isinstance(run.events[-1], RunFinished)
    episodes = [event for event in run.events if isinstance(event, EpisodeFinished)]
    strategies = [event.strategy for event in episodes]
    assert strategies == ["solver", "greedy", "hill_climb", "hill_climb"]
    rows = {row.id for row in run.result.contenders}
    assert rows.isdisjoint({"random", "agent"})
    assert run.result.contender(run.result.found).cost["bit_ops"] <= BUDGET.limit
    (note,) = [note for note in run.result.notes if "ended early" in note]
    assert "random, agent" in note
    assert run.artifact("checkpoint.safetensors").is_file()


def test_a_run_hurried_before_its_search_delivers_the_solver_s_policy(tmp_path: Path) -> None:
    run = finished(
        tiny_config(), tmp_path, finish=lambda event: isinstance(event, SensitivityMeasured)
    )

    assert run.result.found in {"solver", "solver_to_tune"}
    assert run.result.contender("solver").evaluations == 1


def test_a_stop_loses_no_sensitivity_that_was_measured(tmp_path: Path) -> None:
    before = stop(tiny_config(), tmp_path, after=in_stage("sensitivity", done=6))
    measured = [event.layer for event in before if isinstance(event, SensitivityMeasured)]

    after = stop(tiny_config(), tmp_path, after=lambda event: isinstance(event, CheckpointSaved))

    assert isinstance(after[0], RunResumed)
    assert after[0].step == 6
    rest = [event.layer for event in after if isinstance(event, SensitivityMeasured)]
    assert set(rest).isdisjoint(measured)


def test_a_stop_that_was_asked_for_before_the_start_is_met(tmp_path: Path) -> None:
    with pytest.raises(Stopped):
        list(events_of(tiny_config(), tmp_path, interrupt=Interrupt(requested="stop")))


def test_a_folder_of_another_run_is_not_gone_on_with(whole: Finished) -> None:
    with pytest.raises(InvalidConfig, match=r"workdir: .* holds a run of another config"):
        list(events_of(tiny_config(seed=1), whole.workdir.parent))


@pytest.fixture(scope="module")
def folder_config(tmp_path_factory: pytest.TempPathFactory) -> QuantizeConfig:
    """A run on images of its own, for which no weights are at hand."""
    root = tmp_path_factory.mktemp("images")
    draw = np.random.default_rng(0)
    for name, level in (("dark", 60), ("light", 190)):
        (root / name).mkdir()
        for number in range(60):
            pixels = draw.normal(level, 30, size=(32, 32, 3)).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(root / name / f"{number:02}.png")
    recipe = TrainingRecipe(epochs=2, batch_size=16)
    return tiny_config(dataset=f"folder:{root}", recipe=recipe)


def test_a_run_stopped_while_it_trains_goes_on_training(
    folder_config: QuantizeConfig, tmp_path: Path
) -> None:
    undisturbed = finished(folder_config, tmp_path / "undisturbed")
    stop(folder_config, tmp_path / "stopped", after=in_stage("training", done=3))

    resumed = finished(folder_config, tmp_path / "stopped")

    assert resumed.events[0] == RunResumed(stage="training", step=0)
    assert resumed.lasting == undisturbed.lasting
