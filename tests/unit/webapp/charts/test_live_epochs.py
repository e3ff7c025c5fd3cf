"""Live charts over epochs: whole numbers on the axis, and one trace for what is one network."""

import pytest

from webapp.charts.live_epochs import network_charts, supernet_charts


@pytest.mark.parametrize("epochs", [1, 2, 10, 11, 160])
def test_the_axis_counts_epochs_in_whole_numbers(epochs: int) -> None:
    for chart in (*supernet_charts(epochs), *network_charts(epochs, 5)):
        step = chart.layout["xaxis"]["dtick"]

        assert isinstance(step, int)
        assert step >= 1
        assert epochs / step <= 10


@pytest.mark.parametrize("random_networks", [0, 3])
def test_every_trained_network_feeds_one_trace(random_networks: int) -> None:
    for chart in network_charts(2, random_networks):
        subjects = [name for trace in chart.traces for name in trace.where["subject"]]

        assert subjects == [
            "found",
            "mobilenet_v2",
            *(f"random-{number}" for number in range(1, random_networks + 1)),
        ]
        assert all(trace.x == "epoch" for trace in chart.traces)


def test_random_networks_are_marks_that_no_line_joins() -> None:
    chart, _ = network_charts(2, 3)

    assert [trace.plotly["mode"] for trace in chart.traces] == [
        "lines+markers",
        "lines+markers",
        "markers",
    ]
