"""Phones against published networks, the authors' table and hand counts.

Published: Cai et al. 2019, latencies on the Pixel 1: MobileNetV2 75 ms, Proxyless-mobile 78 ms.
"""

import os
import re
from dataclasses import replace
from pathlib import Path

import pytest

from engine.catalog.baselines import uniform_policy
from engine.catalog.models import layer_table
from engine.catalog.spaces import space_entry
from engine.catalog.targets import target_entry
from engine.cost.block_rows import BlockKey, block_rows
from engine.cost.model import CostModel
from engine.cost.pricing import cost_model
from engine.cost.space_costs import space_costs
from engine.schema.architecture import ZERO, mbconv
from engine.schema.layers import ModelSpec
from tests.unit.engine.cost.worked_layers import DEPTHWISE, LINEAR, POINTWISE, bits
from tests.unit.engine.published_architectures import everywhere, proxyless_mobile

AUTHORS_TABLE = "BESPOKE_PIXEL1_TABLE"  # a path to mobile_trim.yaml, which has no licence to ship


_WIDE_MAP = replace(
    POINTWISE, in_channels=1, out_channels=1, input_size=112, output_size=112, macs=112**2
)


@pytest.fixture(scope="module")
def pixel1() -> CostModel:
    return cost_model(target_entry("pixel1"))


@pytest.fixture(scope="module")
def note10() -> CostModel:
    return cost_model(target_entry("note10"))


def test_mobilenet_v2_comes_within_4_percent_of_its_published_latency(
    pixel1: CostModel, mobilenet_v2: ModelSpec
) -> None:
    latency_ms = pixel1.network_cost(mobilenet_v2, None)["latency_ms"]

    assert latency_ms == pytest.approx(77.9, abs=0.05)
    assert latency_ms == pytest.approx(75, rel=0.04)


def test_the_published_mobile_network_comes_within_4_percent_of_its_latency(
    pixel1: CostModel,
) -> None:
    latency_ms = pixel1.network_cost(proxyless_mobile(), None)["latency_ms"]

    assert latency_ms == pytest.approx(75.2, abs=0.05)
    assert latency_ms == pytest.approx(78, rel=0.04)


def test_the_table_spans_the_space_as_in_the_authors_code(pixel1: CostModel) -> None:
    """Sums of its rows, before the share that a network run end to end takes of them."""
    costs = space_costs(space_entry("mobile-24"), pixel1, "latency_ms", None)
    share = pixel1.target.end_to_end

    assert (costs.fixed + costs.blocks[0][0]) / share == pytest.approx(11.364, abs=5e-4)
    assert costs.lowest / share == pytest.approx(29.61, abs=5e-3)
    assert costs.highest / share == pytest.approx(191.03, abs=5e-3)
    assert costs.mean / share == pytest.approx(113.99, abs=5e-3)


@pytest.mark.parametrize(("kernel_size", "expansion", "sum_ms"), [(3, 6, 136.47)])
def test_one_operation_in_all_blocks_sums_up_as_in_the_authors_code(
    pixel1: CostModel, kernel_size: int, expansion: int, sum_ms: float
) -> None:
    architecture = everywhere(space_entry("mobile-24"), mbconv(kernel_size, expansion))

    latency_ms = pixel1.network_cost(architecture, None)["latency_ms"]

    assert latency_ms / pixel1.target.end_to_end == pytest.approx(sum_ms, abs=5e-3)


def test_a_block_of_the_table_costs_its_row(pixel1: CostModel) -> None:
    block = space_entry("mobile-24").blocks[1]

    cost = pixel1.block_cost(block, mbconv(5, 3), None)

    assert cost["latency_ms"] == pytest.approx(7.519, abs=5e-4)
    assert cost.values["latency_ms"].provenance == "table"


def test_a_block_beyond_the_table_costs_what_the_fit_says(pixel1: CostModel) -> None:
    block = space_entry("mobile-32").blocks[1]

    cost = pixel1.block_cost(block, mbconv(5, 3), None)

    layers_ms = (16 * 48 * 112**2 + 48 * 32 * 56**2) * 147.5 + 25 * 48 * 56**2 * 359.1
    moved = (16 + 48) * 112**2 + 48 * (112**2 + 56**2) + (48 + 32) * 56**2
    assert cost["latency_ms"] == pytest.approx((layers_ms + 4 * moved * 706.9) / 1e9)
    assert cost.values["latency_ms"].provenance == "fit"


def test_a_network_is_known_no_better_than_its_worst_known_layer(
    pixel1: CostModel, mobilenet_v2: ModelSpec
) -> None:
    layers = pixel1.layer_costs(mobilenet_v2, None)
    known = {cost.values["latency_ms"].provenance for cost in layers}

    assert known == {"table", "fit"}
    assert pixel1.network_cost(mobilenet_v2, None).values["latency_ms"].provenance == "fit"


def test_the_layers_of_a_network_add_up_to_it(pixel1: CostModel, mobilenet_v2: ModelSpec) -> None:
    layers = pixel1.layer_costs(mobilenet_v2, None)

    total = pixel1.network_cost(mobilenet_v2, None)["latency_ms"]
    assert sum(cost["latency_ms"] for cost in layers) == pytest.approx(total)


@pytest.mark.parametrize(
    ("model_id", "rows"), [("mobilenet_v2", 8), ("efficientnet_lite0", 14), ("resnet18", 0)]
)
def test_blocks_of_the_table_are_found_in_networks_that_were_never_cut_into_blocks(
    model_id: str, rows: int
) -> None:
    spec = layer_table(model_id)
    assert spec is not None

    assert len(block_rows("pixel1_blocks").matches(spec.layers)) == rows


@pytest.mark.parametrize("target_id", ["pixel1", "note10"])
def test_a_skipped_block_costs_nothing(target_id: str) -> None:
    model = cost_model(target_entry(target_id))
    block = space_entry("mobile-24").blocks[2]

    cost = model.block_cost(block, ZERO, None)

    assert {metric: value.value for metric, value in cost.values.items()} == {
        "latency_ms": 0,
        "model_bytes": 0,
        "macs": 0,
        "peak_activation_bytes": 0,
    }


@pytest.mark.parametrize("target_id", ["pixel1", "note10"])
def test_below_8_bits_nothing_is_gained_but_size(target_id: str, mobilenet_v2: ModelSpec) -> None:
    model = cost_model(target_entry(target_id))

    as_float = model.network_cost(mobilenet_v2, None)
    at_8, at_4, at_2 = (
        model.network_cost(mobilenet_v2, uniform_policy(mobilenet_v2, width, width))
        for width in (8, 4, 2)
    )

    assert at_2["latency_ms"] == at_4["latency_ms"] == at_8["latency_ms"]
    assert at_8["latency_ms"] < as_float["latency_ms"]
    assert at_4["model_bytes"] < at_8["model_bytes"]
    assert at_8.values["latency_ms"].provenance == "estimate"


def test_layers_on_the_note10_take_what_was_worked_out_by_hand(note10: CostModel) -> None:
    pointwise, depthwise, linear = (
        note10.layer_cost(layer, None)["latency_ms"] for layer in (POINTWISE, DEPTHWISE, LINEAR)
    )

    assert pointwise == pytest.approx(0.34, abs=0.005)
    assert depthwise == pytest.approx(0.24, abs=0.005)
    assert 0.67 <= linear <= 0.76


def test_8_bit_operands_halve_arithmetic_and_quarter_traffic(note10: CostModel) -> None:
    latency_ms = note10.layer_cost(POINTWISE, bits(8, 8))["latency_ms"]

    arithmetic = POINTWISE.macs * 54.7 / 2
    traffic = POINTWISE.activations * 39.5 + POINTWISE.weights * 203.8
    assert latency_ms == pytest.approx(0.0433 + (arithmetic + traffic) / 1e9)


def test_a_layer_is_bound_by_the_term_that_takes_most(pixel1: CostModel) -> None:
    assert pixel1.layer_cost(POINTWISE, bits(8, 8)).bound == "compute"
    assert pixel1.layer_cost(_WIDE_MAP, bits(8, 8)).bound == "memory"


@pytest.mark.skipif(
    AUTHORS_TABLE not in os.environ, reason=f"{AUTHORS_TABLE} does not name the authors' table"
)
def test_every_row_is_that_of_the_authors_table() -> None:
    text = Path(os.environ[AUTHORS_TABLE]).read_text(encoding="utf-8")
    means = {
        key: float(mean) for key, mean in re.findall(r"^(\S+):\n .*\n  mean: (\S+)", text, re.M)
    }
    rows = block_rows("pixel1_blocks")

    blocks = {_authors_key(key): ms for key, ms in rows.blocks.items()}
    assert len(blocks) + len(rows.layers) == len(means) == 72
    assert blocks == {
        key: pytest.approx(mean, abs=5.1e-5)
        for key, mean in means.items()
        if key.startswith("expanded_conv")
    }


def _authors_key(key: BlockKey) -> str:
    skips = int(key.stride == 1 and key.in_channels == key.out_channels)
    return (
        f"expanded_conv-input:{key.input_size}x{key.input_size}x{key.in_channels}"
        f"-output:{key.output_size}x{key.output_size}x{key.out_channels}"
        f"-expand:{key.expansion}-kernel:{key.kernel_size}-stride:{key.stride}-idskip:{skips}"
    )
