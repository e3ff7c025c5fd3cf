"""What a budget can be, before a search is queued."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.catalog.datasets import dataset_entry
from engine.catalog.spaces import SPACES, space_for
from engine.catalog.targets import TARGETS
from engine.schema.cost import Metric
from webapp.charts.space_band import default_space_limit, space_band
from webapp.jobs.search_reach import priced_space, search_metrics, space_reach

TINY = space_for("tiny", dataset=dataset_entry("fashion-mnist"))
PIXEL = TARGETS["pixel1"]
COSTS = priced_space(TINY, PIXEL, "latency_ms", None)
REACH = space_reach(TINY, PIXEL, "latency_ms", None)


@given(choices=st.tuples(*(st.integers(0, len(block.ops) - 1) for block in TINY.decisions)))
@settings(max_examples=40, deadline=None)
def test_the_band_contains_every_network(choices: tuple[int, ...]) -> None:
    cost = COSTS.cost(choices)

    assert REACH.lowest * (1 - 1e-9) <= cost <= REACH.highest * (1 + 1e-9)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("space", [space.id for space in SPACES.values() if space.form == "mobile"])
def test_the_limit_to_start_from_works_on_every_target(space: str, target: str) -> None:
    fitted = space_for(space, dataset=dataset_entry("fashion-mnist"))
    device = TARGETS[target]
    metric = next(m.id for m in search_metrics(device, None) if not m.reason)
    reach = space_reach(fitted, device, metric, None)

    band = space_band(reach, float(default_space_limit(reach)), who="x", where="y")

    assert band.is_met
    assert 0 <= band.within_x <= band.limit_x <= band.within_x + band.within_width  # type: ignore[operator]


@pytest.mark.parametrize(
    ("target", "metric", "bits", "words"),
    [
        pytest.param("counted", "latency_ms", None, "has no latency", id="no device"),
        pytest.param("pixel1", "energy_mj", None, "has no energy", id="not on this device"),
        pytest.param("pixel1", "bit_ops", None, "in float", id="no bits in float"),
        pytest.param("pixel1", "bit_ops", 8, "", id="bits where they are asked for"),
        pytest.param("bismo-cloud", "bit_ops", None, "", id="bits where there is no float"),
        pytest.param("counted", "macs", None, "", id="counted"),
    ],
)
def test_a_metric_says_why_it_cannot_be_chosen(
    target: str, metric: Metric, bits: int | None, words: str
) -> None:
    reasons = {each.id: each.reason for each in search_metrics(TARGETS[target], bits)}

    assert (words in reasons[metric]) if words else reasons[metric] == ""


def test_mobilenets_stand_on_the_axis_by_their_width() -> None:
    band = space_band(REACH, None, who="Tiny", where="a phone")

    labels = " ".join(tick.label for tick in band.ticks)
    assert all(word in labels for word in ("lowest", "mean", "highest", "×0.2", "×0.35"))
    assert "×1.4" not in labels  # would stretch the axis to many times the space
    assert "MobileNetV2 ×1.4" in [row[0] for row in band.table.rows]


def test_a_limit_that_cannot_be_met_is_offered_the_nearest() -> None:
    band = space_band(REACH, 0.1, who="Tiny", where="a phone")

    assert "below the lowest" in band.problem
    assert REACH.lowest <= float(band.offer) <= REACH.lowest * 1.0001
