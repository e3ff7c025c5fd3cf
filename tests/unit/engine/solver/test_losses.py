"""From sensitivities to a table of losses."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from engine.schema.results import LayerSensitivity
from engine.solver.losses import additive_losses, losses_after_tuning, monotone


def sensitivity(weights: dict[str, float], activations: dict[str, float]) -> LayerSensitivity:
    return LayerSensitivity(layer="a", weight_losses=weights, activation_losses=activations)


def test_a_layer_loses_what_its_weights_and_its_activations_lose() -> None:
    every_width = {str(width): 1.0 / width for width in range(1, 9)}

    losses = additive_losses([sensitivity(every_width, {"8": 0.5, **every_width})])

    assert losses.shape == (1, 8, 8)
    assert losses[0, 2, 4] == pytest.approx(1 / 3 + 1 / 5)


def test_a_width_that_was_not_measured_follows_the_rounding_noise() -> None:
    losses = additive_losses([sensitivity({"3": 1.6, "4": 0.4, "6": 0.3}, {})])

    by_weight_bits = losses[0, :, 0]
    assert by_weight_bits == pytest.approx([25.6, 6.4, 1.6, 0.4, 0.1, 0.3, 0.075, 0.01875])


def test_a_layer_that_was_not_measured_loses_nothing() -> None:
    assert not additive_losses([sensitivity({}, {})]).any()


def test_no_layers_make_an_empty_table() -> None:
    assert additive_losses([]).shape == (0, 8, 8)


tables = arrays.arrays(np.float64, (2, 8, 8), elements=st.floats(-5, 5))


@given(tables)
def test_a_monotone_table_never_loses_more_at_a_wider_width(measured: np.ndarray) -> None:
    losses = monotone(measured)

    assert np.all(np.diff(losses, axis=-1) <= 0)
    assert np.all(np.diff(losses, axis=-2) <= 0)


@given(tables)
def test_a_monotone_table_is_the_least_that_covers_what_was_measured(measured: np.ndarray) -> None:
    losses = monotone(measured)

    expected = [
        [[max(0.0, layer[w:, a:].max()) for a in range(8)] for w in range(8)] for layer in measured
    ]
    assert np.array_equal(losses, np.array(expected))


def test_a_table_without_dips_is_left_alone() -> None:
    falling = np.add.outer(np.arange(8.0, 0, -1), np.arange(8.0, 0, -1))[None]

    assert np.array_equal(monotone(falling), falling)


def test_fine_tuning_leaves_less_of_what_weights_lose_than_of_what_inputs_lose() -> None:
    layers = [sensitivity({"4": 0.8}, {"4": 0.8})]

    before, after = additive_losses(layers)[0], losses_after_tuning(layers)[0]

    by_weights, by_inputs = before - before[-1:, :], before - before[:, -1:]
    left_by_weights, left_by_inputs = after - after[-1:, :], after - after[:, -1:]
    assert np.allclose(left_by_inputs, by_inputs)
    assert np.allclose(left_by_weights, 0.3 * by_weights)
