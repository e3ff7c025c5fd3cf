"""Whole profile runs on this machine's CPU."""

from collections import Counter
from pathlib import Path

import pytest
import torch

from engine.catalog.datasets import dataset_entry
from engine.catalog.spaces import SPACES, space_for
from engine.catalog.tables import table_target
from engine.cost.pricing import cost_model
from engine.cost.table_coverage import space_coverage
from engine.profiling.profile import STATE, profile
from engine.profiling.record import ProfileState
from engine.run import run
from engine.schema.architecture import Architecture
from engine.schema.codec import digest, from_json, to_json
from engine.schema.cost_table import CostTable
from engine.schema.errors import InvalidConfig
from engine.schema.events import (
    BlockMeasured,
    CheckpointSaved,
    Event,
    NetworkMeasured,
    Progress,
    ReferenceMeasured,
    RunResumed,
)
from engine.schema.places import Places
from engine.schema.space_shape import SpaceShape
from engine.training.interrupt import Interrupt, Stopped
from tests.engine.profiling.quick import quick_config, result_of


def measured_in(events: list[Event]) -> list[BlockMeasured]:
    return [event for event in events if isinstance(event, BlockMeasured)]


@pytest.fixture(scope="module")
def tiny_events(tmp_path_factory: pytest.TempPathFactory) -> list[Event]:
    folder = tmp_path_factory.mktemp("tiny")
    places = Places(data_root=folder, weights_store=folder)
    return list(run(quick_config(subject="tiny"), folder / "run", places=places))


def test_every_distinct_block_is_measured_once_at_each_precision(tiny_events: list[Event]) -> None:
    counts = Counter(
        (event.label, event.precision) for event in tiny_events if isinstance(event, BlockMeasured)
    )

    table = result_of(tiny_events).table
    assert set(counts.values()) == {1}
    assert len(counts) == 2 * table.rows
    assert space_coverage(table, SPACES["tiny"]).is_whole


def test_progress_ends_at_one(tiny_events: list[Event]) -> None:
    shares = [event.fraction for event in tiny_events if isinstance(event, Progress)]

    assert shares == sorted(shares)
    assert shares[-1] == 1


def test_the_table_prices_the_networks_it_was_checked_with(tiny_events: list[Event]) -> None:
    table = result_of(tiny_events).table
    model = cost_model(table_target(table))
    assert table.end_to_end is not None

    for network in table.end_to_end["fp32"].networks:
        architecture = Architecture(space=SPACES["tiny"], choices=network.choices)
        cost = model.network_cost(architecture, None)
        assert cost["latency_ms"] == pytest.approx(network.predicted_ms)


def test_the_table_says_where_and_how_it_was_measured(tiny_events: list[Event]) -> None:
    table = result_of(tiny_events).table

    assert table.provenance == "measured"
    assert table.host == "cpu"
    assert table.runtime.startswith("ONNX Runtime")
    assert table.machine is not None
    assert table.machine.processor
    assert table.protocol is not None
    assert table.protocol.threads == 1
    assert from_json(CostTable, to_json(table)) == table
    assert result_of(tiny_events).target.endswith(digest(table)[:12])


def test_a_model_is_checked_with_stretches_of_itself(tmp_path: Path) -> None:
    events = list(profile(quick_config(), tmp_path, interrupt=Interrupt()))

    measured = [event for event in events if isinstance(event, NetworkMeasured)]
    assert len(measured) == 2 * 6
    assert measured[0].label == "all of its parts"
    assert all(event.sum_ms > 0 for event in measured)


def test_a_run_that_was_stopped_goes_on(tmp_path: Path) -> None:
    interrupt = Interrupt()
    first = []
    with pytest.raises(Stopped):  # noqa: PT012 - the loop is what is stopped
        for event in profile(quick_config(), tmp_path, interrupt=interrupt):
            first.append(event)
            if len([one for one in first if isinstance(one, BlockMeasured)]) == 5:
                interrupt.requested = "stop"
    kept = ProfileState.load(tmp_path / STATE)

    second = list(profile(quick_config(), tmp_path, interrupt=Interrupt()))

    assert kept is not None
    assert len(kept.items) == 5
    assert second[0] == RunResumed(stage="profiling", step=5)
    labels = [
        (event.label, event.precision)
        for event in [*first, *second]
        if isinstance(event, BlockMeasured)
    ]
    assert len(set(labels)) == len(labels) == 2 * result_of(second).table.rows


def test_what_a_kill_cut_off_is_told_again_as_it_was(tmp_path: Path) -> None:
    first: list[Event] = []
    for event in profile(quick_config(), tmp_path, interrupt=Interrupt()):
        first.append(event)
        if len(measured_in(first)) == 5:
            break  # as a kill: nothing more is written

    second = list(profile(quick_config(), tmp_path, interrupt=Interrupt()))

    assert measured_in(second)[:5] == measured_in(first)
    labels = [(event.label, event.precision) for event in measured_in(second)]
    assert len(set(labels)) == len(labels) == 2 * result_of(second).table.rows


def test_what_a_checkpoint_covers_is_not_told_again(tmp_path: Path) -> None:
    interrupt = Interrupt()
    told: list[Event] = []
    with pytest.raises(Stopped):  # noqa: PT012 - the loop is what is stopped
        for event in profile(quick_config(), tmp_path, interrupt=interrupt):
            told.append(event)
            interrupt.requested = "stop" if len(measured_in(told)) == 3 else None

    second = list(profile(quick_config(), tmp_path, interrupt=Interrupt()))

    assert told[-1] == CheckpointSaved(stage="profiling", step=3)
    assert measured_in(told)[-1] not in measured_in(second)


def test_the_reference_is_timed_before_between_and_after(tiny_events: list[Event]) -> None:
    references = [event for event in tiny_events if isinstance(event, ReferenceMeasured)]
    measurements = [
        event for event in tiny_events if isinstance(event, BlockMeasured | NetworkMeasured)
    ]

    assert references[0].after == 0
    assert references[0].drift == 0
    assert [event.after for event in references[1:-1]] == list(range(20, len(measurements), 20))
    assert references[-1].after == len(measurements)


def test_a_space_is_measured_for_the_images_and_width_of_a_search(tmp_path: Path) -> None:
    shape = SpaceShape(width=0.5)
    config = quick_config(subject="tiny", dataset="cifar10", shape=shape)
    space = space_for("tiny", dataset=dataset_entry("cifar10"), shape=shape)

    table = result_of(profile(config, tmp_path, interrupt=Interrupt())).table

    assert space_coverage(table, space).is_whole
    assert not space_coverage(table, SPACES["tiny"]).is_whole


def test_a_run_that_is_to_finish_delivers_what_it_has(tmp_path: Path) -> None:
    interrupt = Interrupt()
    events = []
    for event in profile(quick_config(), tmp_path, interrupt=interrupt):
        events.append(event)
        if len([one for one in events if isinstance(one, BlockMeasured)]) == 3:
            interrupt.requested = "finish"

    result = result_of(events)
    assert result.table.rows == 2  # the third measurement's shape gets its other precision
    assert "ended early: 9 of 11 shapes have no time" in result.notes[0]
    assert result.table.end_to_end is None


def test_a_folder_of_another_profile_is_refused(tmp_path: Path) -> None:
    interrupt = Interrupt(requested="stop")
    with pytest.raises(Stopped):
        list(profile(quick_config(), tmp_path, interrupt=interrupt))

    with pytest.raises(InvalidConfig, match=r"workdir: .* holds a profile of another config"):
        list(profile(quick_config(batch=2), tmp_path, interrupt=Interrupt()))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"subject": "no-such"}, "model: 'no-such' is no model"),
        ({"shape": SpaceShape(width=0.5)}, "shape: is of a space; a model has widths of its own"),
        ({"threads": 200}, "threads: this process may use"),
    ],
    ids=["subject", "shape of a model", "threads"],
)
def test_what_cannot_be_measured_is_refused(
    fields: dict[str, object], message: str, tmp_path: Path
) -> None:
    with pytest.raises(InvalidConfig, match=message):
        list(profile(quick_config(**fields), tmp_path, interrupt=Interrupt()))


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_gpu_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfig, match="device: this machine has no CUDA GPU"):
        list(profile(quick_config(device="cuda"), tmp_path, interrupt=Interrupt()))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
def test_a_gpu_is_measured_in_floats_with_its_memory(tmp_path: Path) -> None:
    config = quick_config(subject="tiny", device="cuda")

    table = result_of(profile(config, tmp_path, interrupt=Interrupt())).table

    assert table.precisions == ("fp32", "bf16", "fp16")
    assert table.machine is not None
    assert table.machine.accelerator
    memory = [row.times["fp32"].memory_bytes for row in table.blocks]
    assert all(one is not None and one > 0 for one in memory)
    assert space_coverage(table, SPACES["tiny"]).is_whole
