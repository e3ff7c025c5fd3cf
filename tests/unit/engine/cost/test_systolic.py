"""The systolic array against the published count of folds, written out."""

from dataclasses import replace
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.catalog.targets import target_entry
from engine.cost.model import CostModel
from engine.cost.pricing import cost_model
from engine.cost.systolic import SystolicArray
from tests.unit.engine.cost.worked_layers import DEPTHWISE, LINEAR, POINTWISE, bits


@pytest.fixture(scope="module")
def systolic() -> CostModel:
    return cost_model(target_entry("systolic"))


@given(
    rows=st.integers(1, 32),
    columns=st.integers(1, 32),
    size=st.integers(1, 20),
    channels=st.integers(1, 50),
)
def test_folds_cover_every_output_of_the_product(
    rows: int, columns: int, size: int, channels: int
) -> None:
    """A plain walk over tiles of rows and columns, output stationary (Samajdar et al. 2018)."""
    array = SystolicArray(
        rows=rows, columns=columns, word_bits=16, clock_hz=1e9, bandwidth=1e18, mac_pj=1
    )
    layer = replace(POINTWISE, out_channels=channels, output_size=size, input_size=size)

    table = array.layer_table(layer)

    tiles = len(range(0, size**2, rows)) * len(range(0, channels, columns))
    cycles = tiles * (2 * rows + columns + 64 - 2)
    assert table.values["latency_ms"][7, 7] == pytest.approx(cycles * 1e-6)


def test_a_depthwise_layer_is_one_narrow_product_for_each_channel(systolic: CostModel) -> None:
    one = replace(DEPTHWISE, in_channels=1, out_channels=1, groups=1, kind="conv")

    whole, part = (systolic.layer_cost(layer, bits(8, 8)) for layer in (DEPTHWISE, one))

    assert whole["latency_ms"] == pytest.approx(384 * part["latency_ms"])


def test_bits_save_energy_and_no_arithmetic(systolic: CostModel) -> None:
    at_8, at_4 = (systolic.layer_cost(POINTWISE, bits(width, width)) for width in (8, 4))

    assert at_8.bound == at_4.bound == "compute"
    assert at_4["latency_ms"] == at_8["latency_ms"]
    assert at_4["energy_mj"] < 0.8 * at_8["energy_mj"]


def test_energy_counts_every_access_of_a_product(systolic: CostModel) -> None:
    """A classifier of 1280 x 1000 at 8 bits, counted in 16-bit multiply-accumulates of 3.2 pJ."""
    macs, folds = 1_280_000, ceil(1000 / 14)
    arithmetic_and_registers = macs * (1 + 1 + 2 * 8 / 16)
    streamed = folds * 1280 * (12 + 14) * 8 / 16 + 1000 * 8 / 16
    moved = (1280 + 1000 + macs) * 8 / 16

    cost = systolic.layer_cost(LINEAR, bits(8, 8))

    units = arithmetic_and_registers + (2 + 6) * streamed + 200 * moved
    assert cost["energy_mj"] == pytest.approx(units * 3.2e-9)


def test_a_starved_array_waits_for_memory() -> None:
    array = SystolicArray(
        rows=12, columns=14, word_bits=16, clock_hz=2e8, bandwidth=1e6, mac_pj=3.2
    )

    table = array.layer_table(LINEAR)

    assert str(table.bound[7, 7]) == "memory"
    assert table.values["latency_ms"][7, 7] == pytest.approx(1_282_280 / 1e6 * 1e3)
