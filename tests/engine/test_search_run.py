"""Whole ProxylessNAS searches: what they tell, what they deliver, and what they refuse."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.catalog.architecture_file import read_architecture
from engine.catalog.spaces import SPACES
from engine.catalog.tables import table_id
from engine.data.splits import load_splits
from engine.export.network import load_network
from engine.nn.describe import describe
from engine.run import run
from engine.schema.architecture import Architecture
from engine.schema.codec import digest, to_json
from engine.schema.cost import Budget
from engine.schema.errors import BudgetUnreachable, Diverged, EngineError, InvalidConfig
from engine.schema.events import (
    ArchitectureScored,
    CheckpointSaved,
    EpochFinished,
    GatesUpdated,
    Progress,
    RunFinished,
)
from engine.schema.lowering import model_spec
from engine.schema.places import Places
from engine.schema.results import SearchResult
from engine.training.evaluate import evaluate
from tests.engine.proxyless.toy_search import MACS
from tests.engine.tiny_run import Finished, events_of, finished, lasting
from tests.engine.tiny_search import TINY_SEARCH, small_search_constants, tiny_search_config
from tests.unit.engine.cost.measured_tables import table_of_space


@pytest.fixture(autouse=True, scope="module")
def _small() -> Iterator[None]:
    with small_search_constants():
        yield


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """An uninterrupted search by gradients."""
    return finished(tiny_search_config(), tmp_path_factory.mktemp("search"))


def result_of(run: Finished) -> SearchResult:
    assert isinstance(run.result, SearchResult)
    return run.result


def test_it_tells_of_every_stage_in_order(whole: Finished) -> None:
    progress = [event for event in whole.events if isinstance(event, Progress)]

    stages = list(dict.fromkeys(event.stage for event in progress))
    assert stages == ["preparing", "training", "searching", "finetuning", "exporting"]
    fractions = [event.fraction for event in progress]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1
    epochs = [event for event in whole.events if isinstance(event, EpochFinished)]
    assert [(event.stage, event.subject, event.epoch) for event in epochs] == [
        ("training", "supernet", 1),
        ("searching", "supernet", 1),
        ("searching", "supernet", 2),
        ("finetuning", "found", 1),
        ("finetuning", "mobilenet_v2", 1),
        ("finetuning", "random-1", 1),
    ]


def test_gates_are_told_with_probabilities_and_costs(whole: Finished) -> None:
    gates = [event for event in whole.events if isinstance(event, GatesUpdated)]

    assert gates[-1].step == gates[-1].steps == 12
    for event in gates:
        assert [len(row) for row in event.probabilities] == [6, 7, 6, 7, 6, 7]
        assert all(sum(row) == pytest.approx(1, abs=1e-4) for row in event.probabilities)
        assert event.limit == MACS.limit
        assert 1.0e6 < event.expected_cost < 5.3e6
        assert len(event.argmax) == 6


def test_the_found_network_is_within_the_budget_and_uses_it(whole: Finished) -> None:
    result = result_of(whole)
    scored = [event for event in whole.events if isinstance(event, ArchitectureScored)]

    assert len(scored) == TINY_SEARCH.rescored
    assert all(0.9 * MACS.limit <= event.costs["macs"] <= MACS.limit for event in scored)
    best = [event for event in scored if event.is_best][-1]
    assert result.contender("found").choices == best.choices
    assert best.loss == min(event.loss for event in scored)


def test_the_delivered_files_are_the_network_that_was_measured(whole: Finished) -> None:
    result = result_of(whole)
    found = result.contender(result.found)
    assert found.choices is not None
    assert found.report_accuracy is not None
    network = load_network(whole.artifact("checkpoint.safetensors"))
    spec = describe(network, model_id="tiny", input=result.space.input, classes=10)
    report = load_splits("fashion-mnist", input=result.space.input, data_root=Path("none")).report

    outcome = evaluate(network, report.first(64), torch.device("cpu"))

    assert outcome.accuracy == found.report_accuracy.value
    assert spec.macs == found.cost["macs"] <= MACS.limit
    assert spec.model_hash == result.model.model_hash
    assert json.loads(whole.artifact("config.json").read_text())["space"] == "tiny"
    read = read_architecture(whole.artifact("architecture.json"))
    assert model_spec(read).model_hash == result.model.model_hash
    # The authors' form does not say how large images are.
    found_ops = Architecture(space=result.space, choices=found.choices).ops
    assert read_architecture(whole.artifact("net.config")).ops == found_ops
    assert "MobileNetV2" in whole.artifact("report.md").read_text()
    assert {artifact.role for artifact in result.artifacts} >= {
        "checkpoint",
        "architecture",
        "config",
        "report",
        "log",
    }


def test_the_result_is_json_and_back(whole: Finished) -> None:
    last = whole.events[-1]
    assert isinstance(last, RunFinished)
    assert lasting(last)["result"]["contenders"][0]["id"] == "found"
    assert {row.origin for row in result_of(whole).contenders} == {
        "search",
        "mobilenet_v2",
        "random",
    }


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"algorithm": "reinforce"}, id="reinforce"),
        pytest.param(
            {"gate_mode": "full_v2", "sharing": "private", "hardware_loss": "mul_log"}, id="paper"
        ),
        pytest.param(
            {"zero_gradient": "none", "hardware_loss": "none"},
            id="no gradient of an active zero",
            marks=pytest.mark.long,
        ),
        pytest.param(
            {
                "budgets": (MACS, Budget(metric="model_bytes", limit=70_000)),
                "starting_weights": "inherited",
            },
            id="two budgets, inherited",
        ),
        pytest.param({"precision": "bf16"}, id="bf16", marks=pytest.mark.long),
    ],
)
def test_every_way_to_search_ends_within_the_budgets(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    effort = replace(TINY_SEARCH, train_images=64, random_networks=0)
    config = tiny_search_config(effort=effort, **changes)

    result = result_of(finished(config, tmp_path))

    found = result.contender("found")
    assert all(found.cost[budget.metric] <= budget.limit for budget in config.budgets)
    assert result.probabilities != ()


def test_a_device_that_was_measured_for_the_space_alone_has_no_yardstick_and_a_note(
    tmp_path: Path,
) -> None:
    table = table_of_space(SPACES["tiny"])
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / f"{digest(table)}.json").write_text(json.dumps(to_json(table)))
    config = tiny_search_config(
        target=table_id(table),
        budgets=(Budget(metric="latency_ms", limit=1e3),),
        effort=replace(TINY_SEARCH, train_images=64, random_networks=0),
    )
    places = Places(
        data_root=tmp_path, weights_store=tmp_path / "weights", tables=tmp_path / "tables"
    )

    last = list(run(config, tmp_path / "run", places=places))[-1]

    assert isinstance(last, RunFinished)
    assert [row.id for row in last.result.contenders] == ["found"]  # type: ignore[union-attr]
    assert any("MobileNetV2 is not among the baselines" in note for note in last.result.notes)


def test_two_searches_in_one_process_do_not_touch_each_other(
    whole: Finished, tmp_path: Path
) -> None:
    effort = replace(TINY_SEARCH, epochs=1, random_networks=0)
    other = tiny_search_config(algorithm="reinforce", seed=5, effort=effort)
    alone = finished(other, tmp_path / "alone").lasting
    mixed = [
        events_of(config, tmp_path / name)
        for name, config in (("one", tiny_search_config()), ("two", other))
    ]
    told: list[list[Any]] = [[], []]
    while any(events is not None for events in mixed):
        for index, events in enumerate(mixed):
            event = None if events is None else next(events, None)
            if event is None:
                mixed[index] = None
            else:
                told[index].append(event)

    assert lasting(told[0][-1].result) == whole.lasting
    assert lasting(told[1][-1].result) == alone


def refused(tmp_path: Path, **changes: Any) -> EngineError:
    with pytest.raises(EngineError) as error:
        list(events_of(tiny_search_config(**changes), tmp_path))
    return error.value


def test_a_budget_out_of_reach_names_the_lowest(tmp_path: Path) -> None:
    error = refused(tmp_path, budgets=(Budget(metric="macs", limit=1e6),))

    assert isinstance(error, BudgetUnreachable)
    assert error.lowest == pytest.approx(1_059_168)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"space": "none-such"}, "space: 'none-such' is not known"),
        ({"precision": "fp16"}, "precision: fp16 needs a GPU"),
        ({"target": "host-cpu"}, "target: host-cpu has not been profiled"),
        (
            {"algorithm": "reinforce", "effort": replace(TINY_SEARCH, policy_images=100)},
            "effort.policy_images: a batch of 100 is more than the 64 images",
        ),
        (
            {"effort": replace(TINY_SEARCH, architecture_every=13)},
            "effort.architecture_every: the architecture would never learn: one step every 13 "
            "batches, and there are 12",
        ),
    ],
)
def test_what_does_not_fit_is_refused_at_once(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    error = refused(tmp_path, **changes)

    assert isinstance(error, InvalidConfig)
    assert message in str(error)


def test_a_loss_that_is_not_finite_stops_the_run_and_keeps_the_last_good_checkpoint(
    tmp_path: Path,
) -> None:
    effort = replace(TINY_SEARCH, weight_learning_rate=1e25)
    config = tiny_search_config(effort=effort)
    saved = []

    with pytest.raises(Diverged, match="not finite"):
        saved.extend(
            event for event in events_of(config, tmp_path) if isinstance(event, CheckpointSaved)
        )

    kept = torch.load(tmp_path / "run" / "supernet.checkpoint", weights_only=True)
    weights = kept["learner"]["supernet"].values()
    assert all(torch.isfinite(weight).all() for weight in weights if weight.is_floating_point())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epochs": 0}, "effort.epochs: must be at least 1, got 0"),
        ({"warmup_epochs": -1}, "effort.warmup_epochs: must not be negative, got -1"),
        ({"frozen_epochs": 2}, "effort.frozen_epochs: must be below the epochs, 2, got 2"),
        ({"batch_size": 65}, "effort.batch_size: must be at most the images of an epoch, got 65"),
        ({"search_images": 15}, "effort.search_images: must be at least 16 images, got 15"),
        ({"architecture_learning_rate": 0.0}, "effort.architecture_learning_rate: must be above 0"),
    ],
)
def test_an_effort_that_is_none_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidConfig) as error:
        replace(TINY_SEARCH, **changes)

    assert message in str(error.value)


@pytest.mark.parametrize(
    ("epochs", "changes"),
    [
        # From the second epoch that learns on, an argmax can be the same as the last.
        (3, {"epochs": 4, "frozen_epochs": 1, "settled_epochs": 1}),
        (1, {"epochs": 3, "settled_entropy": 2.0}),
    ],
    ids=["argmax", "entropy"],
)
def test_a_search_that_has_settled_ends_before_its_last_epoch(
    tmp_path: Path, epochs: int, changes: dict[str, Any]
) -> None:
    effort = replace(
        TINY_SEARCH, train_images=64, random_networks=0, architecture_learning_rate=1e-9, **changes
    )
    budget = Budget(metric="macs", limit=1e9)  # whatever the argmax is, it is within

    run = finished(tiny_search_config(effort=effort, budgets=(budget,)), tmp_path)

    joint = [e for e in run.events if isinstance(e, EpochFinished) and e.stage == "searching"]
    assert len(joint) == epochs
    assert any(f"The search ended after {epochs} epochs" in note for note in run.result.notes)
