"""A run's policies priced on every other device."""

import time

import pytest

from engine.catalog.baselines import uniform_policy
from engine.catalog.models import layer_table
from engine.catalog.targets import TARGETS
from engine.cost.pricing import cost_model
from engine.schema.layers import ModelSpec
from webapp.jobs.transfer import (
    Subject,
    TransferMatrix,
    TransferRow,
    transfer_matrices,
    transfer_matrix,
)


@pytest.fixture(scope="module")
def spec() -> ModelSpec:
    table = layer_table("mobilenet_v2", None)
    assert table is not None
    return table


@pytest.fixture(scope="module")
def subjects(spec: ModelSpec) -> list[Subject]:
    return [
        Subject(label="Float", network=spec, policy=None),
        Subject(label="8-bit", network=spec, policy=uniform_policy(spec, 8, 8)),
        Subject(label="4-bit", network=spec, policy=uniform_policy(spec, 4, 4), is_found=True),
    ]


@pytest.fixture(scope="module")
def matrix(subjects: list[Subject]) -> TransferMatrix:
    return transfer_matrix(subjects, metric="latency_ms", own="bismo-edge")


def on(matrix: TransferMatrix, target_id: str) -> TransferRow:
    return next(row for row in matrix.rows if row.target.id == target_id)


def test_every_device_with_a_latency_is_there_the_runs_own_first(matrix: TransferMatrix) -> None:
    telling = {target.id for target in TARGETS.values() if "latency_ms" in target.metrics}

    assert {row.target.id for row in matrix.rows} == telling
    assert [row.target.id for row in matrix.rows if row.is_own] == [matrix.rows[0].target.id]
    assert matrix.rows[0].target.id == "bismo-edge"


def test_a_cell_is_what_the_cost_model_says(matrix: TransferMatrix, spec: ModelSpec) -> None:
    cost = cost_model(TARGETS["bismo-cloud"]).network_cost(spec, uniform_policy(spec, 4, 4))

    assert on(matrix, "bismo-cloud").cells[2].text == f"{cost['latency_ms']:.1f}"


def test_the_lowest_of_each_device_is_marked(matrix: TransferMatrix) -> None:
    assert [cell.is_best for cell in on(matrix, "bismo-edge").cells] == [False, False, True]


def test_a_device_of_one_width_says_so_and_prefers_no_width(matrix: TransferMatrix) -> None:
    row = on(matrix, "note10")

    assert row.note == "every width runs as int8"
    assert row.cells[1].text == row.cells[2].text
    assert row.cells[1].is_best == row.cells[2].is_best


def test_nothing_is_marked_where_all_are_written_alike(subjects: list[Subject]) -> None:
    rows = transfer_matrix(subjects[1:], metric="latency_ms", own="note10").rows

    assert not any(cell.is_best for cell in rows[0].cells)


def test_a_device_without_float_says_why_it_has_no_price(matrix: TransferMatrix) -> None:
    cell = on(matrix, "bismo-cloud").cells[0]

    assert (cell.text, cell.is_best) == ("–", False)
    assert "integers" in cell.why


def test_what_does_not_fit_a_device_is_said_and_never_the_best(matrix: TransferMatrix) -> None:
    cells = on(matrix, "cortex-m7").cells

    assert all("does not fit" in cell.why for cell in cells[1:])
    assert not any(cell.is_best for cell in cells)


def test_a_network_of_foreign_layers_has_no_price_and_a_reason(
    spec: ModelSpec, subjects: list[Subject]
) -> None:
    other = layer_table("resnet20", None)
    assert other is not None
    stray = Subject(label="stray", network=spec, policy=uniform_policy(other, 4, 4))

    row = on(
        transfer_matrix([*subjects, stray], metric="latency_ms", own="bismo-edge"), "bismo-edge"
    )

    assert row.cells[-1].text == "–"
    assert "no layer" in row.cells[-1].why


def test_it_is_quick_once_the_devices_know_the_layers(
    matrix: TransferMatrix, subjects: list[Subject]
) -> None:
    started = time.process_time()
    again = transfer_matrix(subjects, metric="latency_ms", own="bismo-edge")

    assert time.process_time() - started < 0.2
    assert again.rows == matrix.rows


def test_a_run_for_a_device_that_tells_energy_has_a_matrix_of_energies_too(
    subjects: list[Subject], spec: ModelSpec
) -> None:
    latencies, energies = transfer_matrices(subjects, own="bitfusion")

    assert (latencies.metric, energies.metric) == ("latency_ms", "energy_mj")
    telling = {target.id for target in TARGETS.values() if "energy_mj" in target.metrics}
    assert {row.target.id for row in energies.rows} == telling
    assert energies.rows[0].target.id == "bitfusion"
    cost = cost_model(TARGETS["bitfusion"]).network_cost(spec, uniform_policy(spec, 4, 4))
    assert float(energies.rows[0].cells[2].text) == pytest.approx(cost["energy_mj"], rel=0.01)


def test_a_run_for_any_other_device_has_latencies_alone(subjects: list[Subject]) -> None:
    assert [one.metric for one in transfer_matrices(subjects, own="pixel1")] == ["latency_ms"]
