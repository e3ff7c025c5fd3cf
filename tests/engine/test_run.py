"""A whole run: its result is true, its files are whole, and it depends on the config alone."""

import hashlib
import json
import pickle
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path

import pytest
import torch
from PIL import Image

from engine.catalog.targets import target_entry
from engine.cost.pricing import cost_model
from engine.data.splits import load_splits
from engine.export.quantized import load_quantized
from engine.haq.record import STRATEGIES
from engine.schema.codec import (
    config_from_json,
    event_from_json,
    policy_from_json,
    result_from_json,
    to_json,
)
from engine.schema.cost import Budget
from engine.schema.errors import BudgetUnreachable, EngineError, InvalidConfig
from engine.schema.events import (
    CandidateFound,
    EpisodeFinished,
    EpochFinished,
    Progress,
    RunFinished,
    RunStarted,
    SensitivityMeasured,
)
from engine.schema.results import Accuracy, Contender
from engine.training.evaluate import evaluate
from tests.engine.tiny_run import (
    BUDGET,
    TINY,
    Finished,
    events_of,
    finished,
    lasting,
    small_constants,
    tiny_config,
)

CPU = torch.device("cpu")


@pytest.fixture(autouse=True, scope="module")
def _small() -> Iterator[None]:
    with small_constants():
        yield


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """An uninterrupted run."""
    return finished(tiny_config(), tmp_path_factory.mktemp("whole"))


def test_a_run_ends_with_its_result(whole: Finished) -> None:
    kinds = [type(event) for event in whole.events]

    assert kinds[0] is RunStarted
    assert kinds[-1] is RunFinished
    assert kinds.count(RunFinished) == 1
    assert kinds.count(EpisodeFinished) == 1 + 1 + 3 + 3 + 3
    assert kinds.count(SensitivityMeasured) == len(whole.result.model.layers) - 2
    assert result_from_json(json.loads(json.dumps(to_json(whole.result)))) == whole.result


def test_progress_rises_to_the_whole(whole: Finished) -> None:
    told = [event for event in whole.events if isinstance(event, Progress)]

    fractions = [event.fraction for event in told]
    assert fractions == sorted(fractions)
    assert fractions[-1] == pytest.approx(1.0)
    assert all(event.done <= event.total for event in told)


def test_every_policy_scored_is_within_the_budget(whole: Finished) -> None:
    for event in whole.events:
        if isinstance(event, EpisodeFinished | CandidateFound):
            assert event.costs["bit_ops"] <= BUDGET.limit


def test_no_policy_is_evaluated_twice_whichever_strategy_comes_to_it(whole: Finished) -> None:
    episodes = [event for event in whole.events if isinstance(event, EpisodeFinished)]
    seen: dict[object, tuple[float, float]] = {}

    for episode in episodes:
        assert episode.cache_hit == (episode.bits in seen)
        outcome = (episode.loss, episode.accuracy)
        assert seen.setdefault(episode.bits, outcome) == outcome
    # The climb and the agent set out from the solver's policy, which is scored by then.
    assert sum(episode.cache_hit for episode in episodes) >= 2
    assert len(whole.result.candidates) == len(seen)


def test_what_was_found_is_within_the_budget_when_priced_anew(whole: Finished) -> None:
    result = whole.result
    policy = result.contender(result.found).policy

    cost = cost_model(target_entry(result.target)).network_cost(result.model, policy)

    assert cost["bit_ops"] <= BUDGET.limit
    assert cost == result.contender(result.found).cost


def test_files_are_as_they_are_told(whole: Finished) -> None:
    assert {artifact.role for artifact in whole.result.artifacts} == {
        "checkpoint",
        "policy",
        "config",
        "log",
    }
    for artifact in whole.result.artifacts:
        content = (whole.workdir / artifact.path).read_bytes()
        assert artifact.size == len(content)
        assert artifact.sha256 == hashlib.sha256(content).hexdigest()


def test_the_policy_file_holds_what_was_found(whole: Finished) -> None:
    policy = policy_from_json(json.loads(whole.artifact("policy.json").read_text()))

    assert policy == whole.result.contender(whole.result.found).policy
    assert policy.model_hash == whole.result.model.model_hash


def test_the_config_file_starts_the_same_run(whole: Finished) -> None:
    assert config_from_json(json.loads(whole.artifact("config.json").read_text())) == tiny_config()


def test_the_log_holds_every_event_but_the_last(whole: Finished) -> None:
    lines = whole.artifact("log.jsonl").read_text().splitlines()

    assert [event_from_json(json.loads(line)) for line in lines] == whole.events[:-1]


def test_the_delivered_network_is_as_good_as_it_is_said_to_be(whole: Finished) -> None:
    result = whole.result
    network = load_quantized(whole.artifact("checkpoint.safetensors"))
    splits = load_splits(
        "fashion-mnist", input=result.model.input, data_root=whole.workdir.parent / "data"
    )

    outcome = evaluate(network, splits.report.batches(32, limit=TINY.report_images), CPU)

    reported = result.contender(result.found).report_accuracy
    assert reported is not None
    assert outcome.images == reported.images == TINY.report_images
    assert outcome.accuracy == reported.value
    assert outcome.accuracy > 0.6  # ten classes: guessing makes a tenth


def test_the_result_sets_the_found_policy_beside_what_it_must_beat(whole: Finished) -> None:
    rows = {row.id: row for row in whole.result.contenders}

    assert {"float", "uniform-8", *STRATEGIES} <= set(rows)
    assert [row.id for row in rows.values() if row.role == "found"] == [whole.result.found]
    assert whole.result.found in {*STRATEGIES, "solver_to_tune"}
    assert all(row.report_accuracy is not None for row in rows.values())


def test_the_agent_is_held_against_every_other_strategy(whole: Finished) -> None:
    rows = {row.id: row for row in whole.result.contenders}
    duels = whole.result.comparisons

    assert [(duel.first, duel.second) for duel in duels] == [
        ("agent", name) for name in STRATEGIES if name != "agent"
    ]
    assert any(not duel.same_policy for duel in duels)
    for duel in duels:
        other = rows[duel.second]
        assert duel.same_policy == (rows["agent"].policy == other.policy)
        assert (duel.first_evaluations, duel.second_evaluations) == (3, other.evaluations)
        assert min(duel.first_seconds, duel.second_seconds) > 0
        if duel.same_policy:
            assert duel.differences == ()
            continue
        search, report, *tuned = duel.differences
        assert (search.split, search.images) == ("search", TINY.score_images)
        assert (report.split, report.images) == ("report", TINY.report_images)
        assert search.loss.mean == pytest.approx(
            rows["agent"].search_loss - other.search_loss, abs=1e-5
        )
        assert report.accuracy.mean == pytest.approx(
            untuned(rows["agent"]).value - untuned(other).value
        )
        were_tuned = all(row.tuned_search_loss is not None for row in (rows["agent"], other))
        assert [one.is_tuned for one in tuned] == [True] * were_tuned
    # The page says it from these; a sentence among the notes would say it twice.
    assert not any(note.startswith("The agent") for note in whole.result.notes)


def untuned(row: Contender) -> Accuracy:
    """Return a row's accuracy on the report images before any fine-tuning."""
    accuracy = row.untuned_report_accuracy or row.report_accuracy
    assert accuracy is not None
    return accuracy


def test_the_solver_the_best_other_and_the_uniform_policy_are_fine_tuned(whole: Finished) -> None:
    tuned = {event.subject for event in whole.events if isinstance(event, EpochFinished)}

    assert "solver" in tuned
    assert any(row_id.startswith("uniform-") for row_id in tuned)
    assert whole.result.found in {
        row.id for row in whole.result.contenders if row.tuned_search_accuracy is not None
    }
    assert "solver_to_tune" in tuned
    assert {"float", "uniform-8"}.isdisjoint(tuned)


def test_the_winner_is_the_policy_that_loses_least_after_fine_tuning(whole: Finished) -> None:
    losses = {
        row.id: row.tuned_search_loss
        for row in whole.result.contenders
        if row.role in {"strategy", "found"} and row.tuned_search_loss is not None
    }

    assert losses[whole.result.found] == min(losses.values())


def test_float_and_fixed_8_bit_are_fine_tuned_too_where_asked(tmp_path: Path) -> None:
    effort = replace(TINY, finetune_references=True, evaluations=1, episodes=1)

    run = finished(tiny_config(effort=effort), tmp_path)

    tuned = {event.subject for event in run.events if isinstance(event, EpochFinished)}
    assert {"float", "uniform-8"} <= tuned
    row = run.result.contender("float")
    assert row.policy is None
    assert row.tuned_search_accuracy is not None
    assert row.untuned_report_accuracy is not None
    assert run.result.contender(run.result.found).role == "found"


def test_runs_of_one_config_tell_the_same_even_side_by_side(
    whole: Finished, tmp_path: Path
) -> None:
    one = events_of(tiny_config(), tmp_path / "one")
    other = events_of(tiny_config(seed=1), tmp_path / "other")

    pairs = list(zip_longest(one, other))

    told = [event for event, _ in pairs if event is not None]
    assert [lasting(event) for event in told] == [lasting(event) for event in whole.events]
    others = [event for _, event in pairs if event is not None]
    assert isinstance(others[-1], RunFinished)
    assert lasting(others[-1]) != lasting(told[-1])


def test_without_fine_tuning_the_winner_is_the_policy_of_least_loss(tmp_path: Path) -> None:
    untuned = tiny_config(effort=replace(TINY, finetune_epochs=0))

    result = finished(untuned, tmp_path).result

    losses = {
        row.id: row.search_loss
        for row in result.contenders
        if row.role in {"strategy", "found"} and row.search_loss is not None
    }
    assert losses[result.found] == min(losses.values())
    assert any("Nothing was fine-tuned" in note for note in result.notes)


def refused(config_changes: dict[str, object], folder: Path) -> tuple[EngineError, list[object]]:
    """Return the error a run ends with, and the events before it."""
    events: list[object] = []
    with pytest.raises(EngineError) as caught:
        events.extend(events_of(tiny_config(**config_changes), folder))
    return caught.value, events


def test_a_budget_below_the_floor_is_refused_before_any_work(tmp_path: Path) -> None:
    error, events = refused({"budgets": (Budget(metric="bit_ops", limit=1e6),)}, tmp_path)

    assert isinstance(error, BudgetUnreachable)
    assert error.lowest > 1e6
    assert [type(event) for event in events] == [RunStarted]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"model": "mobilenet_v9"}, "model"),
        ({"dataset": "mnist-of-tomorrow"}, "dataset"),
        ({"target": "toaster"}, "target"),
    ],
)
def test_an_unknown_name_is_refused_before_any_work(
    tmp_path: Path, changes: dict[str, object], field: str
) -> None:
    error, events = refused(changes, tmp_path)

    assert isinstance(error, InvalidConfig)
    assert error.field == field
    assert [type(event) for event in events] == [RunStarted]


def test_a_folder_without_classes_is_refused_before_any_work(tmp_path: Path) -> None:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    Image.new("L", (28, 28)).save(pictures / "alone.png")

    error, events = refused({"dataset": f"folder:{pictures}"}, tmp_path)

    assert isinstance(error, InvalidConfig)
    assert error.field == "dataset"
    assert [type(event) for event in events] == [RunStarted]


def test_a_checkpoint_that_is_a_pickle_is_refused_and_not_run(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    checkpoint = tmp_path / "float.safetensors"
    checkpoint.write_bytes(pickle.dumps(Opening(str(ran))))

    error, events = refused({"checkpoint": str(checkpoint)}, tmp_path)

    assert isinstance(error, InvalidConfig)
    assert error.field == "checkpoint"
    assert not ran.exists()
    assert not [event for event in events if isinstance(event, SensitivityMeasured)]
    assert not (tmp_path / "run" / "search.checkpoint").exists()


class Opening:
    """Writes a file when it is unpickled."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str, str]]:
        return open, (self.path, "w")
