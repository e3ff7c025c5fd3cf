"""Units, digits and the words around numbers."""

import pytest

from engine.schema.cost import Metric
from webapp.charts.quantities import QUANTITIES, duration, percent, points, write

THIN = "\u202f"


@pytest.mark.parametrize(
    ("metric", "value", "text"),
    [
        pytest.param("latency_ms", 3.9446, f"3.94{THIN}ms", id="small latency"),
        pytest.param("latency_ms", 189.82, f"190{THIN}ms", id="large latency"),
        pytest.param("latency_ms", 0.0421, f"0.0421{THIN}ms", id="tiny latency"),
        pytest.param("model_bytes", 3_610_208, f"3.61{THIN}MB", id="megabytes"),
        pytest.param("model_bytes", 231_000, f"231{THIN}kB", id="kilobytes"),
        pytest.param("model_bytes", 600, f"600{THIN}B", id="bytes"),
        pytest.param("bit_ops", 66.2e6, f"66.2{THIN}M", id="millions"),
        pytest.param("macs", 12, "12.00", id="no prefix, no symbol"),
    ],
)
def test_a_value_is_written_in_the_unit_that_suits_it(
    metric: Metric, value: float, text: str
) -> None:
    assert write(metric, value) == text


def test_a_column_has_one_unit_that_of_its_largest_value() -> None:
    unit = QUANTITIES["model_bytes"].unit_for([900, 1_635_000, 231_000])

    assert unit.write(231_000) == f"0.23{THIN}MB"


def test_a_column_without_values_still_has_a_unit() -> None:
    assert QUANTITIES["model_bytes"].unit_for([]).symbol == "B"


def test_every_metric_that_a_form_offers_has_a_unit_of_its_own_scale() -> None:
    assert {metric: quantity.form_unit.symbol for metric, quantity in QUANTITIES.items()} == {
        "latency_ms": "ms",
        "energy_mj": "mJ",
        "model_bytes": "kB",
        "macs": "M",
        "bit_ops": "M",
        "peak_activation_bytes": "kB",
    }


def test_percent_and_points() -> None:
    assert percent(0.9071) == f"90.7{THIN}%"
    assert points(0.013) == "+1.3"
    assert points(-0.013) == "\u22121.3"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.42, f"0.4{THIN}s"),
        (48.2, f"48{THIN}s"),
        (200, f"3{THIN}min 20{THIN}s"),
        (7500, f"2{THIN}h 05{THIN}min"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text
