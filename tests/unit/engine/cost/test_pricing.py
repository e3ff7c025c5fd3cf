"""What holds for every cost model, whatever its target."""

import numpy as np
import pytest

from engine.catalog.baselines import uniform_policy
from engine.catalog.targets import TARGETS, target_entry
from engine.cost.model import CostModel
from engine.cost.pricing import cost_model
from engine.schema.cost import COUNTED_METRICS, PEAK_METRICS
from engine.schema.errors import InvalidConfig
from engine.schema.layers import LayerSpec, ModelSpec
from engine.schema.policy import LayerBits, Policy

# BitFusion picks tilings at each width for time alone, a microcontroller unpacks what is narrow.
MAY_COST_MORE = ("bitfusion", "bitfusion-eyeriss", "cortex-m7")

every_target = pytest.mark.parametrize("target_id", TARGETS)


@every_target
def test_every_cost_is_positive_and_says_where_it_comes_from(
    target_id: str, mobilenet_v2: ModelSpec
) -> None:
    model = cost_model(target_entry(target_id))

    cost = model.network_cost(mobilenet_v2, uniform_policy(mobilenet_v2, 4, 4))

    assert set(cost.values) == set(model.target.metrics)
    assert all(value.value > 0 for value in cost.values.values())
    assert {cost.values[metric].provenance for metric in COUNTED_METRICS} == {"counted"}
    own = [cost.values[m] for m in model.target.metrics if m not in COUNTED_METRICS]
    assert {value.provenance for value in own} <= {model.target.provenance, "estimate"}
    assert all(value.validation and value.device for value in own)


@pytest.mark.parametrize("target_id", [each for each in TARGETS if each not in MAY_COST_MORE])
def test_fewer_bits_never_cost_more(target_id: str, mobilenet_v2: ModelSpec) -> None:
    model = cost_model(target_entry(target_id))

    tables = np.stack([model.cost_table(mobilenet_v2.layers, m) for m in model.target.metrics])

    searched = tables[..., 1:, 1:]  # 2 to 8 bits
    assert np.all(np.diff(searched, axis=-1) >= 0)
    assert np.all(np.diff(searched, axis=-2) >= 0)


@pytest.mark.parametrize("target_id", MAY_COST_MORE)
def test_where_fewer_bits_can_cost_more_the_target_says_so(target_id: str) -> None:
    target = target_entry(target_id)

    assert "more" in f"{target.description} {target.validation}"


@pytest.mark.parametrize("target_id", ["bitfusion", "bitfusion-eyeriss"])
def test_halving_all_bits_of_a_network_saves_on_fused_bricks(
    target_id: str, mobilenet_v2: ModelSpec
) -> None:
    model = cost_model(target_entry(target_id))

    at_8, at_4 = (
        model.network_cost(mobilenet_v2, uniform_policy(mobilenet_v2, width, width, pinned=False))
        for width in (8, 4)
    )

    assert at_4["latency_ms"] < 0.8 * at_8["latency_ms"]
    assert at_4["energy_mj"] < 0.8 * at_8["energy_mj"]


@every_target
def test_a_table_holds_what_single_layers_cost(target_id: str, mobilenet_v2: ModelSpec) -> None:
    model = cost_model(target_entry(target_id))
    layer = mobilenet_v2.layers[7]
    bits = LayerBits(weight_bits=3, activation_bits=6)

    cost = model.layer_cost(layer, bits)

    for metric in model.target.metrics:
        share = model.target.end_to_end if metric == "latency_ms" else 1.0
        assert cost[metric] * share == model.cost_table([layer], metric)[0, 2, 5]


@every_target
def test_a_network_costs_its_layers_and_what_is_fixed(
    target_id: str, mobilenet_v2: ModelSpec
) -> None:
    model = cost_model(target_entry(target_id))
    policy = uniform_policy(mobilenet_v2, 5, 7, pinned=False)

    cost = model.network_cost(mobilenet_v2, policy)

    for metric in model.target.metrics:
        layers = model.cost_table(mobilenet_v2.layers, metric)[:, 4, 6]
        total = layers.max() if metric in PEAK_METRICS else layers.sum()
        assert cost[metric] == pytest.approx(total + model.fixed_cost(mobilenet_v2, metric))


def test_a_table_can_be_written_to_without_changing_the_next_one(
    bismo_cloud: CostModel, mobilenet_v2: ModelSpec
) -> None:
    first = bismo_cloud.cost_table(mobilenet_v2.layers, "latency_ms")
    before = first.copy()
    first[:] = 0

    assert np.array_equal(bismo_cloud.cost_table(mobilenet_v2.layers, "latency_ms"), before)


def test_no_layers_make_an_empty_table(counted: CostModel) -> None:
    assert counted.cost_table([], "macs").shape == (0, 8, 8)


def test_a_device_that_prices_bits_tells_of_float_only_what_is_counted(
    bismo_cloud: CostModel, mobilenet_v2: ModelSpec
) -> None:
    cost = bismo_cloud.network_cost(mobilenet_v2, None)

    assert set(cost.values) == {"model_bytes", "macs", "peak_activation_bytes"}


def test_a_metric_the_target_lacks_is_refused_with_those_it_has(
    counted: CostModel, mobilenet_v2: ModelSpec
) -> None:
    with pytest.raises(InvalidConfig, match="counted does not know latency_ms; choose one of mod"):
        counted.cost_table(mobilenet_v2.layers, "latency_ms")


def test_a_policy_without_a_layer_is_refused_by_its_name(
    counted: CostModel, mobilenet_v2: ModelSpec
) -> None:
    layers = dict(uniform_policy(mobilenet_v2, 4, 4).layers)
    del layers["layer.9"]

    with pytest.raises(InvalidConfig, match=r"layer 'layer\.9' has no bits"):
        counted.network_cost(mobilenet_v2, Policy(layers=layers))


def test_a_policy_with_a_strange_layer_is_refused_by_its_name(
    counted: CostModel, mobilenet_v2: ModelSpec
) -> None:
    strange = {"stem": LayerBits(weight_bits=4, activation_bits=4)}
    policy = Policy(layers=uniform_policy(mobilenet_v2, 4, 4).layers | strange)

    with pytest.raises(InvalidConfig, match="has no layer 'stem'"):
        counted.network_cost(mobilenet_v2, policy)


ODD_LAYERS = [
    LayerSpec(
        name="one pixel",
        kind="pointwise",
        in_channels=7,
        out_channels=5,
        weights=35,
        macs=35,
    ),
    LayerSpec(
        name="one pixel, depthwise",
        kind="depthwise",
        in_channels=3,
        out_channels=3,
        kernel_size=3,
        groups=3,
        weights=27,
        macs=27,
    ),
    LayerSpec(
        name="channel multiplier",
        kind="depthwise",
        in_channels=8,
        out_channels=16,
        kernel_size=5,
        groups=8,
        input_size=10,
        output_size=10,
        weights=400,
        macs=40_000,
    ),
    LayerSpec(
        name="groups",
        kind="grouped",
        in_channels=96,
        out_channels=48,
        kernel_size=3,
        stride=2,
        groups=3,
        input_size=15,
        output_size=8,
        weights=13_824,
        macs=884_736,
    ),
    LayerSpec(
        name="dilated",
        kind="conv",
        in_channels=32,
        out_channels=32,
        kernel_size=3,
        dilation=2,
        input_size=28,
        output_size=28,
        weights=9216,
        macs=9216 * 28**2,
    ),
    LayerSpec(
        name="wide kernel",
        kind="conv",
        in_channels=3,
        out_channels=64,
        kernel_size=11,
        stride=4,
        input_size=224,
        output_size=55,
        weights=23_232,
        macs=23_232 * 55**2,
    ),
    LayerSpec(name="one class", kind="linear", in_channels=1, out_channels=1, weights=1, macs=1),
]


@every_target
@pytest.mark.parametrize("layer", ODD_LAYERS, ids=lambda layer: layer.name)
def test_layers_of_every_shape_have_a_price(target_id: str, layer: LayerSpec) -> None:
    model = cost_model(target_entry(target_id))

    for metric in model.target.metrics:
        table = model.cost_table([layer], metric)
        assert np.all(np.isfinite(table))
        assert np.all(table > 0)


FLOAT_TARGETS = [each.id for each in TARGETS.values() if each.float_bits is not None]


@pytest.mark.parametrize("target_id", FLOAT_TARGETS)
def test_a_device_with_float_tells_all_of_it_but_bit_operations(
    target_id: str, mobilenet_v2: ModelSpec
) -> None:
    model = cost_model(target_entry(target_id))

    cost = model.network_cost(mobilenet_v2, None)

    assert set(cost.values) == set(model.target.metrics) - {"bit_ops"}
    at_8 = model.network_cost(mobilenet_v2, uniform_policy(mobilenet_v2, 8, 8))
    assert cost["latency_ms"] > at_8["latency_ms"]


@every_target
def test_what_layers_add_makes_the_network(target_id: str, mobilenet_v2: ModelSpec) -> None:
    model = cost_model(target_entry(target_id))
    policy = uniform_policy(mobilenet_v2, 3, 6)

    layers = model.layer_costs(mobilenet_v2, policy)

    cost = model.network_cost(mobilenet_v2, policy)
    for metric in model.target.metrics:
        parts = [layer[metric] for layer in layers] + [model.fixed_cost(mobilenet_v2, metric)]
        total = max(parts) if metric in PEAK_METRICS else sum(parts)
        assert cost[metric] == pytest.approx(total)
