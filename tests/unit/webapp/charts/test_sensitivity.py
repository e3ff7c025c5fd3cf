"""The heat map of layers by widths."""

import pytest

from engine.schema.results import LayerSensitivity
from webapp.charts.sensitivity import sensitivity_chart

ROWS = [
    LayerSensitivity(
        layer="a",
        weight_losses={"2": 1.0, "4": 0.01},
        activation_losses={"2": 0.1, "4": 0.0},
    ),
    LayerSensitivity(layer="b", weight_losses={"2": 0.1}, activation_losses={"2": 0.001}),
]


def test_losses_are_shown_in_tenfold_steps_with_a_floor() -> None:
    weights, activations = sensitivity_chart(ROWS).figure["data"]

    assert weights["y"] == [2, 4]
    assert weights["z"] == [[0.0, -1.0], [-2.0, None]]
    assert activations["z"] == [[-1.0, -3.0], [-3.0, None]]


def test_the_table_has_the_losses_themselves() -> None:
    table = sensitivity_chart(ROWS).table

    assert table.columns == ("Layer", "W2", "W4", "A2", "A4")
    assert table.rows[1] == ("b", "0.100", "–", "0.001", "–")


def test_a_loss_that_falls_is_written_with_a_minus() -> None:
    row = LayerSensitivity(layer="a", weight_losses={"8": -0.002}, activation_losses={"8": 0.0})

    assert sensitivity_chart([row]).table.rows[0][1] == "\u22120.002"


def test_the_summary_names_the_most_sensitive_layers_first() -> None:
    assert sensitivity_chart(ROWS).summary == (
        "At 2-bit weights the most sensitive layers are a and b."
    )


@pytest.mark.parametrize("side", [0, 1])
def test_both_heat_maps_share_one_scale(side: int) -> None:
    assert sensitivity_chart(ROWS).figure["data"][side]["coloraxis"] == "coloraxis"
