"""The feasibility band, on numbers one can follow by hand."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.solver.reach import Reach
from webapp.charts.reach_band import ReachBand, default_limit, reach_band

REACH = Reach(
    metric="latency_ms",
    lowest=2.0,
    highest=10.0,
    float_value=None,
    baselines={4: 4.0, 6: 6.5, 8: 10.0},
)


def band(limit: float | None, reach: Reach = REACH) -> ReachBand:
    return reach_band(reach, limit, who="The network", where="the device")


def test_places_on_the_axis_are_in_proportion() -> None:
    drawn = band(6.0)

    assert drawn.limit_x == 50.0
    assert {tick.label: tick.x for tick in drawn.ticks} == {
        "lowest": 0.0,
        "4-bit": 25.0,
        "6-bit": 56.25,
        "8-bit": 100.0,
    }


def test_a_limit_within_reach_has_no_problem_and_is_held_against_eight_bit() -> None:
    drawn = band(5.0)

    assert drawn.is_met
    assert "50\u202f% of fixed 8-bit" in drawn.sentence


@pytest.mark.parametrize(
    ("limit", "offer"),
    [pytest.param(1.0, "2", id="below the floor"), pytest.param(11.0, "10", id="above all")],
)
def test_a_limit_out_of_reach_is_refused_with_the_nearest_that_works(
    limit: float, offer: str
) -> None:
    drawn = band(limit)

    assert not drawn.is_met
    assert drawn.offer == offer
    assert band(float(offer)).is_met


def test_a_limit_beyond_the_axis_is_marked_at_its_end() -> None:
    assert band(99.0).limit_x == 100.0
    assert band(0.1).limit_x == 0.0


def test_ends_that_are_a_fixed_width_are_not_named_twice() -> None:
    labels = [tick.label for tick in band(None).ticks]

    assert "highest" not in labels
    assert labels.count("8-bit") == 1


def test_labels_that_would_touch_take_two_rows() -> None:
    crowded = Reach(
        metric="latency_ms",
        lowest=2.0,
        highest=10.0,
        float_value=None,
        baselines={4: 2.8, 6: 6.5, 8: 10.0},
    )

    assert [tick.is_low for tick in band(None, crowded).ticks] == [False, True, False, False]


def test_labels_that_would_lie_on_each_other_become_one() -> None:
    device = Reach(
        metric="latency_ms",
        lowest=5.0,
        highest=12.4,
        float_value=None,
        baselines={4: 8.0, 6: 12.22, 8: 12.21},
    )

    ticks = band(None, device).ticks

    assert [tick.label for tick in ticks] == ["lowest", "4-bit", "6, 8-bit"]
    assert ticks[-1].value == "12.21–12.40\u202fms"


def test_the_table_orders_all_of_it_by_cost() -> None:
    rows = [row[0] for row in band(5.0).table.rows]

    assert rows[0] == "Lowest of all policies"
    assert rows.index("The budget") == 2
    assert len(rows) == 6


def test_float_is_in_the_table_where_the_target_can_tell() -> None:
    sized = Reach(
        metric="model_bytes",
        lowest=100_000,
        highest=400_000,
        float_value=1_600_000,
        baselines={4: 220_000, 6: 310_000, 8: 400_000},
    )

    drawn = band(220.0, sized)

    assert drawn.unit == "kB"
    assert drawn.float_text == "1,600\u202fkB"
    assert drawn.table.rows[-1][0] == "Float"


@settings(deadline=None)  # a busy machine is no failure
@given(st.floats(0.001, 1e6), st.floats(1.01, 8.0), st.floats(0.05, 0.95), st.floats(1e-3, 1e7))
def test_what_is_offered_can_always_be_asked_for(
    lowest: float, factor: float, share: float, limit: float
) -> None:
    highest = lowest * factor
    reach = Reach(
        metric="latency_ms",
        lowest=lowest,
        highest=highest,
        float_value=None,
        baselines={4: lowest + share * (highest - lowest), 6: highest, 8: highest},
    )

    drawn = band(limit, reach)

    assert drawn.is_met or band(float(drawn.offer), reach).is_met
    assert band(float(default_limit(reach)), reach).is_met


def test_the_first_limit_lets_uniform_four_bit_in() -> None:
    reach = Reach(
        metric="latency_ms",
        lowest=2.0,
        highest=8.0,
        float_value=None,
        baselines={4: 3.94421, 6: 6.0, 8: 8.0},
    )

    assert default_limit(reach) == "3.945"


@pytest.mark.parametrize("four", [2.0, 8.0], ids=["the least", "the most"])
def test_where_uniform_four_bit_leaves_no_choice_the_first_limit_is_the_middle(
    four: float,
) -> None:
    reach = Reach(
        metric="latency_ms",
        lowest=2.0,
        highest=8.0,
        float_value=None,
        baselines={4: four, 6: 5.0, 8: 8.0},
    )

    assert default_limit(reach) == "5"
