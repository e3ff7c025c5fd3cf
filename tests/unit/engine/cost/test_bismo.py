"""BISMO's cloud configuration against published figures, hand counts and a plain definition.

Published: the latencies of Wang et al. 2019 for MobileNetV1 and V2 at uniform bits, the sum of
their released table (39,624,933 cycles at 8/8), and the policy their repository prints.
"""

from dataclasses import replace
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.catalog.baselines import uniform_policy
from engine.catalog.targets import target_entry
from engine.cost.bismo import BismoCloud
from engine.cost.model import CostModel
from engine.schema.layers import LayerSpec, ModelSpec
from engine.schema.policy import Policy
from tests.unit.engine.cost.worked_layers import DEPTHWISE, LINEAR, POINTWISE, bits

CLOCK_KHZ = 200e3

# The policy that HAQ's repository prints for preserve ratio 0.6; -1: the image, at its 8 bits.
PRINTED_POLICY = """
8,-1 7,7 5,6 4,6 5,6 5,7 5,6 7,4 4,6 4,6 7,7 5,6 4,6 7,3 5,7 4,7 7,3 5,7 4,7 7,7 4,7 4,7 6,4 6,7
4,7 7,4 6,7 5,7 7,4 6,7 5,7 7,4 6,7 6,7 6,4 5,7 6,7 6,4 5,7 6,7 7,7 4,7 7,7 7,7 4,7 7,7 7,7 4,7
7,7 7,7 4,7 7,7 8,8
"""


def published_latency_ms(model: CostModel, spec: ModelSpec, width: int) -> float:
    """HAQ sums a network up without its first convolution and its classifier."""
    inner = spec.layers[1:-1]
    return sum(model.layer_cost(layer, bits(width, width))["latency_ms"] for layer in inner)


@pytest.mark.parametrize(
    ("layer", "weight_bits", "activation_bits", "cycles"),
    [
        (POINTWISE, 8, 8, 332_160),
        (POINTWISE, 4, 8, 172_144),
        (POINTWISE, 8, 4, 166_080),
        (POINTWISE, 4, 4, 89_280),
        (POINTWISE, 2, 2, 25_440),
        (DEPTHWISE, 8, 8, 617_088),
        (DEPTHWISE, 4, 8, 603_264),
        (DEPTHWISE, 8, 4, 309_888),
        (DEPTHWISE, 4, 4, 302_208),
        (DEPTHWISE, 2, 2, 150_912),
        (LINEAR, 8, 8, 40_014),
        (LINEAR, 4, 8, 20_007),
        (LINEAR, 4, 4, 20_003),
    ],
    ids=lambda value: value.name if isinstance(value, LayerSpec) else str(value),
)
def test_single_layers_take_the_cycles_counted_by_hand(
    bismo_cloud: CostModel, layer: LayerSpec, weight_bits: int, activation_bits: int, cycles: int
) -> None:
    cost = bismo_cloud.layer_cost(layer, bits(weight_bits, activation_bits))

    assert cost["latency_ms"] * CLOCK_KHZ == pytest.approx(cycles, abs=1e-6)


@pytest.mark.parametrize(
    ("width", "latency_ms"), [(4, 74.46), (5, 99.43), (6, 127.07), (8, 189.82)]
)
def test_mobilenet_v2_takes_the_published_latency(
    bismo_cloud: CostModel, mobilenet_v2: ModelSpec, width: int, latency_ms: float
) -> None:
    priced = published_latency_ms(bismo_cloud, mobilenet_v2, width)

    assert priced == pytest.approx(latency_ms, rel=1e-3)


@pytest.mark.parametrize(("width", "latency_ms"), [(4, 57.49), (5, 77.52), (6, 99.86), (8, 151.09)])
def test_mobilenet_v1_takes_the_published_latency(
    bismo_cloud: CostModel, mobilenet_v1: ModelSpec, width: int, latency_ms: float
) -> None:
    priced = published_latency_ms(bismo_cloud, mobilenet_v1, width)

    assert priced == pytest.approx(latency_ms, rel=1e-3)


def test_all_layers_at_8_bits_sum_up_to_the_released_table(
    bismo_cloud: CostModel, mobilenet_v2: ModelSpec
) -> None:
    table = bismo_cloud.cost_table(mobilenet_v2.layers, "latency_ms")

    assert table[:, 7, 7].sum() * CLOCK_KHZ == pytest.approx(39_624_933, rel=1e-3)


@pytest.mark.parametrize(
    ("width", "cycles"),
    [(2, 7_063_425), (3, 11_103_578), (5, 20_916_896), (7, 32_886_714)],
)
def test_uniform_widths_sum_up_to_the_released_table(
    bismo_cloud: CostModel, mobilenet_v2: ModelSpec, width: int, cycles: int
) -> None:
    table = bismo_cloud.cost_table(mobilenet_v2.layers, "latency_ms")

    assert table[:, width - 1, width - 1].sum() * CLOCK_KHZ == pytest.approx(cycles, rel=1e-3)


def test_the_floor_with_pinned_ends_is_a_fifth_of_8_bits(
    bismo_cloud: CostModel, mobilenet_v2: ModelSpec
) -> None:
    floor = bismo_cloud.network_cost(mobilenet_v2, uniform_policy(mobilenet_v2, 2, 2))
    full = bismo_cloud.network_cost(mobilenet_v2, uniform_policy(mobilenet_v2, 8, 8))

    assert floor["latency_ms"] / full["latency_ms"] == pytest.approx(0.20978, rel=1e-3)


@pytest.mark.parametrize(
    ("image_bits", "ratio"),
    [(8, 0.5965), (7, 0.5914)],
    ids=["the image at 8 bits", "as the original prices it, at 7"],
)
def test_the_printed_policy_costs_its_published_share(
    bismo_cloud: CostModel, mobilenet_v2: ModelSpec, image_bits: int, ratio: float
) -> None:
    printed = [tuple(map(int, pair.split(","))) for pair in PRINTED_POLICY.split()]
    policy = Policy(
        layers={
            layer.name: bits(w, a if a > 0 else image_bits)
            for layer, (w, a) in zip(mobilenet_v2.layers, printed, strict=True)
        }
    )
    full = uniform_policy(mobilenet_v2, 8, 8)

    share = (
        bismo_cloud.network_cost(mobilenet_v2, policy)["latency_ms"]
        / bismo_cloud.network_cost(mobilenet_v2, full)["latency_ms"]
    )

    assert share == pytest.approx(ratio, abs=5e-4)


@given(
    channels=st.integers(1, 1280),
    columns=st.integers(1, 1280),
    size=st.integers(1, 112),
    w=st.integers(1, 8),
    a=st.integers(1, 8),
)
def test_dense_layers_follow_the_definition_written_out(
    channels: int, columns: int, size: int, w: int, a: int
) -> None:
    formula = BismoCloud.of(target_entry("bismo-cloud"))
    layer = replace(POINTWISE, in_channels=channels, out_channels=columns, output_size=size)

    cycles, _ = formula.cycles(layer)

    assert cycles[w - 1, a - 1] == pytest.approx(plain_dense_cycles(size, channels, columns, w, a))


def plain_dense_cycles(size: int, K: int, N: int, w: int, a: int) -> float:
    D, P, Q = 16, 256, 2**26
    M = 16 * size * size
    k, v, C = ceil(K / P), ceil(N / D), ceil(M / D**2)
    n, A = v * w, k * M / D
    tiles = ceil(k * M * P * a / Q)
    memory = a * A + k * (n - 1) * tiles * (a if v > 1 else 1)
    first = max(memory, k * n * a * C + tiles * k * ((D - 1) * n - (n - 1) * (a - 1)))
    second = a * (A - k) + w * a * k * ((v - 1) * C + 1)
    third = w * k * (D * v + (C - 1) * a) + w * (a - 1)
    return D * min(first, max(second, third, memory))


def test_an_early_depthwise_layer_gains_nothing_from_fewer_weight_bits(
    bismo_cloud: CostModel, mobilenet_v2: ModelSpec
) -> None:
    early = mobilenet_v2.layers[1]
    assert early.kind == "depthwise"

    at_8, at_4 = (bismo_cloud.layer_cost(early, bits(w, 8)) for w in (8, 4))

    assert at_4["latency_ms"] == pytest.approx(at_8["latency_ms"], rel=1e-3)
    assert at_8.bound == "memory"


def test_a_depthwise_kernel_that_overflows_a_memory_word_takes_two(bismo_cloud: CostModel) -> None:
    small = bismo_cloud.layer_cost(replace(DEPTHWISE, kernel_size=4), bits(8, 8))
    large = bismo_cloud.layer_cost(replace(DEPTHWISE, kernel_size=5), bits(8, 8))

    assert large["latency_ms"] == pytest.approx(2 * small["latency_ms"])


def test_a_grouped_layer_costs_its_groups_as_separate_products(bismo_cloud: CostModel) -> None:
    grouped = replace(POINTWISE, kind="grouped", groups=4, weights=64 * 384 // 4)
    one_group = replace(POINTWISE, in_channels=16, out_channels=96)

    whole, part = (bismo_cloud.layer_cost(layer, bits(5, 6)) for layer in (grouped, one_group))

    assert whole["latency_ms"] == pytest.approx(4 * part["latency_ms"])


@pytest.mark.parametrize(
    ("layer", "bound"),
    [
        (POINTWISE, "compute"),
        (DEPTHWISE, "memory"),
        (LINEAR, "memory"),
        (replace(POINTWISE, in_channels=960, out_channels=160, output_size=1), "fill"),
    ],
    ids=["pointwise", "depthwise", "linear", "one pixel"],
)
def test_a_layer_says_what_bounds_it(bismo_cloud: CostModel, layer: LayerSpec, bound: str) -> None:
    assert bismo_cloud.layer_cost(layer, bits(8, 8)).bound == bound
