"""Bits per layer."""

from engine.catalog.baselines import uniform_policy
from engine.schema.policy import LayerBits, Policy
from tests import haq_run
from tests.configs import quantize_config
from webapp.charts.policy import bits_chart, mean_bits

SPEC = haq_run.network(quantize_config())


def test_each_layer_has_a_bar_up_for_weights_and_one_down_for_activations() -> None:
    chart = bits_chart(SPEC, uniform_policy(SPEC, 3, 5))

    bars: dict[str, dict[int, int]] = {"up": {}, "down": {}}
    for trace in chart.figure["data"]:
        for x, y in zip(trace["x"], trace["y"], strict=True):
            bars["up" if y > 0 else "down"][x] = abs(y)

    count = len(SPEC.layers)
    assert bars["up"] == {1: 8, count: 8, **dict.fromkeys(range(2, count), 3)}
    assert bars["down"] == {1: 8, count: 8, **dict.fromkeys(range(2, count), 5)}


def test_the_table_names_every_layer_in_forward_order() -> None:
    chart = bits_chart(SPEC, uniform_policy(SPEC, 4, 4))

    assert [row[0] for row in chart.table.rows] == [layer.name for layer in SPEC.layers]


def test_a_kind_of_layer_stands_in_the_legend_once() -> None:
    chart = bits_chart(SPEC, uniform_policy(SPEC, 4, 4))

    shown = [trace["name"] for trace in chart.figure["data"] if trace["showlegend"]]
    assert sorted(shown) == sorted(set(shown))
    assert set(shown) == {"convolution", "pointwise", "depthwise", "linear"}


def test_layers_that_a_policy_does_not_name_are_left_out() -> None:
    first = SPEC.layers[0].name
    policy = Policy(layers={first: LayerBits(weight_bits=8, activation_bits=8)})

    assert [row[0] for row in bits_chart(SPEC, policy).table.rows] == [first]


def test_mean_bits_weigh_layers_by_weights_and_by_multiplications() -> None:
    policy = uniform_policy(SPEC, 4, 4)
    first, last = SPEC.layers[0], SPEC.layers[-1]

    by_weight, by_mac = mean_bits(SPEC.layers, policy)

    ends = first.weights + last.weights
    assert by_weight == (8 * ends + 4 * (SPEC.weights - ends)) / SPEC.weights
    ends = first.macs + last.macs
    assert by_mac == (8 * ends + 4 * (SPEC.macs - ends)) / SPEC.macs
