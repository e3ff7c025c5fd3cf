"""The two fronts of a search: near enough to tell networks apart, nothing left out in silence."""

import pytest

from tests import search_run
from tests.configs import search_config
from webapp.charts.candidate_front import candidate_chart, mark_of
from webapp.charts.network_front import network_chart

RANDOMS = (0.760, 0.770, 0.766)


@pytest.mark.parametrize("origin", ["argmax", "projection", "refill", "archive", "sample"])
def test_every_origin_of_a_candidate_has_words_and_a_mark_of_its_own(origin: str) -> None:
    mark = mark_of(origin)

    assert mark.title != origin
    others = [mark_of(each) for each in ("argmax", "projection", "refill", "archive", "sample")]
    assert [other.symbol for other in others].count(mark.symbol) == 1


def test_the_budget_and_all_candidates_lie_within_the_frame() -> None:
    result = search_run.result(search_config())

    figure = candidate_chart(result).figure

    low, high = figure["layout"]["xaxis"]["range"]
    costs = [x for trace in figure["data"] for x in trace["x"]]
    assert all(low < cost < high for cost in [*costs, 2.0])
    assert (max([*costs, 2.0]) - min([*costs, 2.0])) > 0.6 * (high - low)


def test_random_networks_are_a_band_across_the_frame() -> None:
    result = search_run.result(search_config(), found=0.765, mobilenet=0.75, randoms=RANDOMS)

    layout = network_chart(result).figure["layout"]

    band = layout["shapes"][0]
    assert (band["y0"], band["y1"]) == (76.0, 77.0)
    low, high = layout["yaxis"]["range"]
    assert 73 < low < 75
    assert 77 < high < 79


def test_a_network_far_below_is_named_and_does_not_flatten_the_rest() -> None:
    result = search_run.result(search_config(), found=0.765, mobilenet=0.402, randoms=RANDOMS)

    chart = network_chart(result)

    low, high = chart.figure["layout"]["yaxis"]["range"]
    assert low > 73
    assert high < 80
    assert "MobileNetV2 ×0.35, 40.2\u202f%, stands below the frame." in chart.summary
    assert "40.2\u202f%" in [row[2] for row in chart.table.rows]
