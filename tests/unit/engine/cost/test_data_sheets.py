"""Processors from data sheets: layers worked out by hand, and what must hold of the formulas."""

import pytest

from engine.catalog.baselines import uniform_policy
from engine.catalog.targets import target_entry
from engine.cost.price import price
from engine.cost.pricing import cost_model
from engine.schema.layers import LayerSpec, ModelSpec
from tests.unit.engine import paper_networks
from tests.unit.engine.cost.worked_layers import DEPTHWISE, LINEAR, POINTWISE, bits

MIB, KIB = 2**20, 2**10


@pytest.mark.parametrize(
    ("target_id", "pointwise_ms", "depthwise_ms", "linear_ms"),
    [
        ("nvidia-t4", 0.00335, 0.00348, 0.00701),
        ("nvidia-a100", 0.00307, 0.00310, 0.00382),
        ("nvidia-h100", 0.00303, 0.00305, 0.00338),
        ("apple-a12", 0.0089, 0.0095, 0.0426),
        ("cortex-m7", 37.9, 11.3, 11.3),
        ("ethos-u55", 0.049, 0.042, 2.56),
        ("systolic", 0.238, 1.469, 0.474),
    ],
)
def test_layers_at_8_bits_take_what_was_worked_out_by_hand(
    target_id: str, pointwise_ms: float, depthwise_ms: float, linear_ms: float
) -> None:
    model = cost_model(target_entry(target_id))

    costs = [model.layer_cost(layer, bits(8, 8)) for layer in (POINTWISE, DEPTHWISE, LINEAR)]

    digits = {0.238: 3, 37.9: 1, 0.049: 3, 0.0089: 4}.get(pointwise_ms, 5)
    expected = [pointwise_ms, depthwise_ms, linear_ms]
    assert [round(cost["latency_ms"], digits) for cost in costs] == expected


@pytest.mark.parametrize("target_id", ["nvidia-t4", "nvidia-a100", "nvidia-h100"])
def test_small_layers_on_a_gpu_are_bound_by_starting_them(target_id: str) -> None:
    model = cost_model(target_entry(target_id))

    at_8, at_4 = (model.layer_cost(POINTWISE, bits(width, width)) for width in (8, 4))

    assert at_8.bound == "fill"
    assert at_4["latency_ms"] > 0.9 * at_8["latency_ms"]


def test_bits_matter_on_a_gpu_that_runs_many_images(mobilenet_v2: ModelSpec) -> None:
    model = cost_model(target_entry("nvidia-t4-batch-32"))

    at_8, at_4 = (
        model.network_cost(mobilenet_v2, uniform_policy(mobilenet_v2, width, width))
        for width in (8, 4)
    )

    assert at_4["latency_ms"] < 0.7 * at_8["latency_ms"]


@pytest.mark.parametrize(("weight_bits", "activation_bits"), [(3, 3), (1, 4), (4, 2)])
def test_narrow_widths_run_as_the_next_one_the_device_has(
    weight_bits: int, activation_bits: int
) -> None:
    model = cost_model(target_entry("nvidia-t4-batch-32"))

    narrow = model.layer_cost(LINEAR, bits(weight_bits, activation_bits))

    assert narrow["latency_ms"] == model.layer_cost(LINEAR, bits(4, 4))["latency_ms"]


def test_there_is_no_gain_below_8_bits_without_4_bit_cores() -> None:
    model = cost_model(target_entry("nvidia-h100-batch-32"))

    at_8, at_2 = (model.layer_cost(POINTWISE, bits(width, width)) for width in (8, 2))

    assert at_2["latency_ms"] == at_8["latency_ms"]


def test_float_on_tensor_cores_is_16_bit_and_slower_than_8(mobilenet_v2: ModelSpec) -> None:
    model = cost_model(target_entry("nvidia-a100-batch-32"))

    as_float = model.network_cost(mobilenet_v2, None)
    at_8 = model.network_cost(mobilenet_v2, uniform_policy(mobilenet_v2, 8, 8))

    assert 1 < as_float["latency_ms"] / at_8["latency_ms"] < 2


@pytest.mark.parametrize(
    ("target_id", "speed_up"), [("nvidia-t4", 1.32), ("nvidia-t4-batch-32", 1.88)]
)
def test_resnet_50_gains_from_4_bits_what_the_t4s_validation_says(
    target_id: str, speed_up: float
) -> None:
    """Yao et al. 2021 (HAWQ-V3) measured 1.45."""
    spec = paper_networks.resnet50()
    model = cost_model(target_entry(target_id))

    at_8, at_4 = (model.network_cost(spec, uniform_policy(spec, w, w)) for w in (8, 4))

    assert at_8["latency_ms"] / at_4["latency_ms"] == pytest.approx(speed_up, abs=0.005)
    assert f"{speed_up}" in model.target.validation


def test_energy_is_a_share_of_the_power_limit_over_time() -> None:
    cost = cost_model(target_entry("nvidia-t4")).layer_cost(LINEAR, bits(8, 8))

    assert cost["energy_mj"] == pytest.approx(0.6 * 70 * cost["latency_ms"])


def test_the_network_that_cmsis_nn_times_takes_its_99_milliseconds() -> None:
    """Lai et al. 2018: 24.7 million operations in convolutions, 99.1 ms at 216 MHz."""
    layer = LayerSpec(
        name="all", kind="conv", in_channels=32, out_channels=32, weights=9216, macs=12_350_000
    )

    cost = cost_model(target_entry("cortex-m7")).layer_cost(layer, bits(8, 8))

    assert cost["latency_ms"] == pytest.approx(99.1, rel=0.02)


@pytest.mark.parametrize(("weight_bits", "activation_bits"), [(4, 8), (8, 4), (2, 2)])
def test_a_microcontroller_takes_a_quarter_longer_to_unpack(
    weight_bits: int, activation_bits: int
) -> None:
    model = cost_model(target_entry("cortex-m7"))

    at_8 = model.layer_cost(POINTWISE, bits(8, 8))["latency_ms"]
    narrow = model.layer_cost(POINTWISE, bits(weight_bits, activation_bits))["latency_ms"]

    assert narrow == pytest.approx(1.25 * at_8)


@pytest.mark.parametrize(("width", "fits_flash"), [(8, False), (2, False), (1, True)])
def test_a_price_says_whether_the_network_fits_flash_and_memory(
    mobilenet_v2: ModelSpec, width: int, fits_flash: bool
) -> None:
    policy = uniform_policy(mobilenet_v2, width, width, pinned=False)

    limits = price(mobilenet_v2, cost_model(target_entry("cortex-m7")), policy)["limits"]

    assert limits["model_bytes"] == {"limit": MIB - 96 * KIB, "fits": fits_flash}
    # Its largest layer has 1.5 million activations.
    assert limits["peak_activation_bytes"] == {"limit": 304 * KIB, "fits": width < 2}


def test_a_target_without_limits_prints_none(mobilenet_v2: ModelSpec) -> None:
    policy = uniform_policy(mobilenet_v2, 8, 8)

    assert "limits" not in price(mobilenet_v2, cost_model(target_entry("ethos-u55")), policy)


def test_the_neural_processor_waits_for_flash_where_weights_are_used_once() -> None:
    model = cost_model(target_entry("ethos-u55"))

    assert model.layer_cost(LINEAR, bits(8, 8)).bound == "memory"
    assert model.layer_cost(DEPTHWISE, bits(8, 8)).bound == "compute"
