"""The fastest tiling against the search written out plainly: every tiling, every order."""

from dataclasses import replace
from itertools import permutations, product
from math import ceil, inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.catalog.targets import target_entry
from engine.cost.bitfusion import BitFusion
from engine.schema.layers import LayerSpec
from tests.unit.engine.cost.worked_layers import DEPTHWISE, POINTWISE

ARRAY = BitFusion.of(target_entry("bitfusion"))
DEPENDS = {
    "activations": ("row", "column", "input"),
    "weights": ("input", "output"),
    "outputs": ("row", "column", "output"),
}


def powers(size: int, start: int = 1) -> list[int]:
    return [start * 2**i for i in range(20) if start * 2**i < size] + [size]


def plain_cost(layer: LayerSpec, w: int, a: int) -> tuple[float, float]:
    """Cycles and pJ of the fastest way, one layer at one pair of widths."""
    is_depthwise = layer.kind == "depthwise"
    inputs = 1 if is_depthwise else layer.in_channels
    outputs, size, taps = layer.out_channels, layer.output_size, layer.kernel_size**2
    fused = ARRAY.rows * (8 // max(w, 2)) * (8 // max(a, 2))
    best = (inf, inf)
    for t, ti, to in product(powers(size), powers(inputs), powers(outputs, ARRAY.columns)):
        pixels = (
            t * t * taps
            if is_depthwise
            else (t * layer.stride - layer.stride + layer.kernel_size) ** 2
        )
        steps = ceil(taps * ti / fused) if is_depthwise else taps * ceil(ti / fused)
        tile = {
            "activations": pixels * ti * a,
            "weights": ceil(taps * ti / fused) * fused * to * w,
            "outputs": t * t * to * 32,
        }
        trips = {
            "row": ceil(size / t),
            "column": ceil(size / t),
            "input": ceil(inputs / ti),
            "output": ceil(outputs / to),
        }
        tiles = trips["row"] * trips["column"] * trips["input"] * trips["output"]
        compute = tiles * ceil(to / ARRAY.columns) * t * t * steps
        for order in permutations(trips):
            best = min(best, plain_schedule(tile, trips, order, compute))
    return best


def plain_schedule(
    tile: dict[str, int], trips: dict[str, int], order: tuple[str, ...], compute: int
) -> tuple[float, float]:
    memory = ARRAY.memory
    room = {
        "activations": memory.activation_bits,
        "weights": memory.weight_bits,
        "outputs": memory.output_bits,
    }
    moved, resident = dict(tile), dict(tile)
    for tensor, bits in tile.items():
        if bits > room[tensor]:
            return inf, inf
        outgrown = False
        for loop in order:
            if outgrown or loop in DEPENDS[tensor]:
                moved[tensor] *= trips[loop]
            outgrown = outgrown or moved[tensor] > room[tensor]
            if not outgrown:
                resident[tensor] = moved[tensor]
    total = moved["activations"] + moved["weights"] + 2 * moved["outputs"]
    first = resident["activations"] + resident["weights"] + resident["outputs"]
    width = memory.bits_per_cycle
    hidden = ceil((total - first - resident["outputs"]) / width)
    unhidden = ceil(first / width) + ceil(resident["outputs"] / width)
    energy = compute * ARRAY.energy.per_cycle + total * ARRAY.energy.per_bit
    return max(compute, hidden) + unhidden, energy


@settings(max_examples=25, deadline=None)
@given(
    channels=st.tuples(st.integers(1, 70), st.integers(1, 200)),
    size=st.integers(1, 30),
    window=st.tuples(st.sampled_from([1, 3, 5]), st.sampled_from([1, 2])),
    widths=st.tuples(st.integers(1, 8), st.integers(1, 8)),
    is_depthwise=st.booleans(),
)
def test_the_fastest_schedule_is_that_of_trying_them_all(
    channels: tuple[int, int],
    size: int,
    window: tuple[int, int],
    widths: tuple[int, int],
    is_depthwise: bool,
) -> None:
    shape = {
        "in_channels": channels[1] if is_depthwise else channels[0] + 4,
        "out_channels": channels[1],
        "groups": channels[1] if is_depthwise else 1,
        "output_size": size,
        "kernel_size": window[0],
        "stride": window[1],
    }
    layer = replace(DEPTHWISE if is_depthwise else replace(POINTWISE, kind="conv"), **shape)
    cell = (widths[0] - 1, widths[1] - 1)

    table = ARRAY.layer_table(layer)

    cycles, energy_pj = plain_cost(layer, *widths)
    assert table.values["latency_ms"][cell] * 5e5 == pytest.approx(cycles, rel=1e-12)
    assert table.values["energy_mj"][cell] * 1e9 == pytest.approx(energy_pj, rel=1e-12)
