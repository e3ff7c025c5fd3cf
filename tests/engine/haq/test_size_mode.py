"""A whole run that shares weights: bytes alone are limited, activations stay float."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from engine.catalog.models import layer_table, model_entry
from engine.data.splits import load_splits
from engine.export.quantized import load_quantized
from engine.nn.codebook_layer import CodebookLayer
from engine.schema.cost import Budget
from engine.schema.errors import InvalidConfig
from engine.schema.events import LogLine, SensitivityMeasured
from engine.schema.policy import FLOAT_BITS
from engine.schema.results import QuantizeResult
from engine.training.evaluate import evaluate
from tests.engine.tiny_run import Finished, events_of, finished, small_constants, tiny_config

BUDGET = Budget(metric="model_bytes", limit=112_000)  # the small MobileNetV1: 74,000 to 229,000


@pytest.fixture(autouse=True, scope="module")
def _small() -> Iterator[None]:
    with small_constants():
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("size")


@pytest.fixture(scope="module")
def run(folder: Path) -> Finished:
    return finished(tiny_config(quantizer="kmeans", budgets=(BUDGET,)), folder)


@pytest.fixture(scope="module")
def result(run: Finished) -> QuantizeResult:
    assert isinstance(run.result, QuantizeResult)
    return run.result


def test_every_layer_is_free_and_activations_stay_float(result: QuantizeResult) -> None:
    found = result.contender(result.found)

    assert found.policy is not None
    assert found.cost["model_bytes"] <= BUDGET.limit
    assert {bits.activation_bits for bits in found.policy.layers.values()} == {FLOAT_BITS}
    assert all(one.weight_losses and not one.activation_losses for one in result.sensitivity)
    assert "latency_ms" not in found.cost


def test_the_rows_of_deep_compression_stand_beside_it(result: QuantizeResult) -> None:
    uniform = [row for row in result.contenders if row.id.startswith("uniform-")]

    assert len(uniform) == 2
    for row in uniform:
        assert row.policy is not None
        widths = {bits.weight_bits for bits in row.policy.layers.values()}
        assert widths == {int(row.id.removeprefix("uniform-"))}  # the ends too


def test_the_file_is_loaded_by_the_snippet_and_answers_as_reported(
    run: Finished, result: QuantizeResult, folder: Path
) -> None:
    network = load_quantized(run.artifact("checkpoint.safetensors"))
    layers = [m for m in network.modules() if isinstance(m, CodebookLayer)]
    splits = load_splits(
        "fashion-mnist", input=model_entry("mobilenet_v1_small").input, data_root=folder / "data"
    )

    outcome = evaluate(network, splits.report.batches(64, limit=64), torch.device("cpu"))

    assert len(layers) == len(result.model.layers)
    reported = result.contender(result.found).report_accuracy
    assert reported is not None
    assert outcome.accuracy == pytest.approx(reported.value)


def test_the_file_is_as_small_as_its_bits(run: Finished, result: QuantizeResult) -> None:
    size = run.artifact("checkpoint.safetensors").stat().st_size
    codebooks = 4 * 256 * len(result.model.layers)
    counted = result.contender(result.found).cost["model_bytes"]
    statistics = 4 * result.model.other_parameters  # running means and variances

    assert size < counted + codebooks + statistics + 60_000  # names and shapes


def test_a_second_run_reads_the_sensitivities_and_finds_the_same(
    run: Finished, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "weights").symlink_to(folder / "weights")
    events = events_of(tiny_config(quantizer="kmeans", budgets=(BUDGET,)), tmp_path)
    told = []
    for event in events:
        told.append(event)
        if isinstance(event, SensitivityMeasured) and event.index == 5:
            break

    assert any("as an earlier run" in e.text for e in told if isinstance(e, LogLine))
    first = [e for e in run.events if isinstance(e, SensitivityMeasured)][:6]
    assert [e for e in told if isinstance(e, SensitivityMeasured)] == first


def test_a_latency_budget_is_refused(tmp_path: Path) -> None:
    budget = Budget(metric="latency_ms", limit=1.0)

    with pytest.raises(InvalidConfig, match="k-means makes the weights smaller"):
        list(events_of(tiny_config(quantizer="kmeans", budgets=(budget,)), tmp_path))


def test_the_budget_is_within_reach() -> None:
    spec = layer_table("mobilenet_v1_small")

    assert spec is not None
    assert spec.weights * 2 / 8 + 4 * spec.other_parameters < BUDGET.limit


def test_a_codebook_may_have_two_values_but_a_grid_not() -> None:
    """At the size of uniform 2 bit, only layers of one bit leave anything to choose."""
    widths = (1, 2, 8)

    assert tiny_config(quantizer="kmeans", weight_bits=widths).weight_bits == widths
    with pytest.raises(InvalidConfig, match=r"widths must lie in 2 \.\. 8, got \[1, 2, 8\]"):
        tiny_config(weight_bits=widths)


def test_a_policy_at_the_size_of_uniform_two_bit_gives_and_takes(folder: Path) -> None:
    limit = Budget(metric="model_bytes", limit=75_000)
    config = tiny_config(quantizer="kmeans", budgets=(limit,), weight_bits=(1, 2, 3, 4))

    run = finished(config, folder / "two")

    assert isinstance(run.result, QuantizeResult)
    found = run.result.contender(run.result.found)
    assert found.policy is not None
    widths = {bits.weight_bits for bits in found.policy.layers.values()}
    assert 1 in widths
    assert max(widths) > 2
    assert found.cost["model_bytes"] <= limit.limit
    loaded = load_quantized(run.artifact("checkpoint.safetensors"))
    assert {layer.bits for layer in loaded.modules() if isinstance(layer, CodebookLayer)} == set(
        found.policy.layers.values()
    )
