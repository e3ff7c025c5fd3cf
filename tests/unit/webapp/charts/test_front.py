"""Accuracy and loss against cost."""

from dataclasses import replace

import pytest

from engine.schema.results import QuantizeResult
from tests import haq_run
from tests.configs import quantize_config
from webapp.charts.accuracy_front import SHOWN_DEPTH, accuracy_chart
from webapp.charts.loss_front import FLOOR_NATS, loss_chart


@pytest.fixture(scope="module")
def result() -> QuantizeResult:
    return haq_run.result(quantize_config(), scored=10)


def test_every_scored_policy_is_a_mark(result: QuantizeResult) -> None:
    marks = accuracy_chart(result).figure["data"][:-1]

    assert sum(len(trace["x"]) for trace in marks) == len(result.candidates) == 31


def test_the_budget_is_a_line_at_its_limit(result: QuantizeResult) -> None:
    (line,) = accuracy_chart(result).figure["layout"]["shapes"]

    assert line["x0"] == line["x1"] == result.budgets[0].limit


def test_the_found_policy_is_a_star_and_named(result: QuantizeResult) -> None:
    contenders = accuracy_chart(result).figure["data"][-1]

    at = contenders["marker"]["symbol"].index("star")
    assert contenders["text"][at] == "found: Hill climbing"
    assert contenders["marker"]["symbol"].count("star") == 1


def test_a_contender_that_the_target_cannot_price_is_left_out(result: QuantizeResult) -> None:
    contenders = accuracy_chart(result).figure["data"][-1]

    assert "Float" not in contenders["text"]  # this target has no latency for float


def test_a_policy_far_below_the_best_does_not_flatten_the_chart(result: QuantizeResult) -> None:
    dead = replace(result.candidates[0], accuracy=0.10)
    chart = accuracy_chart(replace(result, candidates=(*result.candidates, dead)))

    lowest, highest = chart.figure["layout"]["yaxis"]["range"]
    assert highest - lowest < 100 * SHOWN_DEPTH * 1.5
    assert "1 lie below the frame" in chart.summary
    assert "10.0" in chart.table.rows[-1][-1]


def test_the_predicted_front_is_a_line_through_its_points(result: QuantizeResult) -> None:
    line = loss_chart(result).figure["data"][0]

    assert line["y"] == [point.loss for point in result.front.points]
    assert line["x"] == sorted(line["x"])


def test_measured_losses_are_held_against_the_float_networks(result: QuantizeResult) -> None:
    float_loss = 0.25
    contenders = tuple(
        replace(row, search_loss=float_loss) if row.id == "float" else row
        for row in result.contenders
    )
    worse, better = (
        replace(result.candidates[0], loss=0.75),
        replace(result.candidates[1], loss=0.2),
    )

    chart = loss_chart(replace(result, contenders=contenders, candidates=(worse, better)))

    shown = [y for trace in chart.figure["data"][1:] for y in trace["y"]]
    assert shown == [0.5, FLOOR_NATS]  # no logarithm of a loss below float's


def test_the_loss_table_says_which_losses_are_predicted(result: QuantizeResult) -> None:
    origins = [row[0] for row in loss_chart(result).table.rows]

    assert origins.count("Predicted front") == len(result.front.points)
    assert origins.count("Agent") == 10
