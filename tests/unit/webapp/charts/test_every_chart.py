"""What holds for each chart: Plotly takes its figure, and a table says the same."""

import json
from collections.abc import Callable

import plotly.graph_objects as go
import pytest

from engine.catalog.spaces import space_entry
from engine.schema.architecture import Architecture
from engine.schema.results import QuantizeResult
from tests import haq_run, profile_run, search_run
from tests.configs import profile_config, quantize_config, search_config
from tests.unit.engine.cost.measured_tables import end_to_end
from webapp.charts.accuracy_front import accuracy_chart
from webapp.charts.architecture import architecture_chart
from webapp.charts.candidate_front import candidate_chart
from webapp.charts.chart import Chart
from webapp.charts.comparison import NamedResult, comparison_chart
from webapp.charts.effort import ScoredEpisode, equal_cost_chart
from webapp.charts.live import LIVE_CHARTS, search_charts
from webapp.charts.live_chart import LiveChart
from webapp.charts.loss_front import loss_chart
from webapp.charts.network_front import network_chart
from webapp.charts.operations import OPERATION_MARKS
from webapp.charts.palette import KINDS, PRECISIONS, RUN_MARKS, STRATEGIES
from webapp.charts.policy import bits_chart
from webapp.charts.probabilities import Moment, probability_history
from webapp.charts.row_times import row_times_chart
from webapp.charts.sampled_networks import sampled_networks_chart
from webapp.charts.sensitivity import sensitivity_chart
from webapp.compare.outcome import outcome
from webapp.jobs.models import Job


def _bits(result: QuantizeResult) -> Chart:
    policy = result.contender(result.found).policy
    assert policy is not None
    return bits_chart(result.model, policy)


def _equal_cost(result: QuantizeResult) -> Chart:
    return equal_cost_chart(
        [
            ScoredEpisode(strategy=strategy, episode=episode, accuracy=0.5 + 0.01 * episode)
            for strategy in haq_run.STRATEGIES
            for episode in range(1, 30)
        ]
    )


def _comparison(result: QuantizeResult) -> Chart:
    points = outcome(result).points
    named = [NamedResult(name=f"run {mark.title}", mark=mark, points=points) for mark in RUN_MARKS]
    return comparison_chart(named, "latency_ms")


SEARCH = search_run.result(search_config())


def _architecture(_: QuantizeResult) -> Chart:
    choices = SEARCH.contender(SEARCH.found).choices
    assert choices is not None
    architecture = Architecture(space=SEARCH.space, choices=choices)
    return architecture_chart(architecture, probabilities=SEARCH.probabilities)


def _tree(_: QuantizeResult) -> Chart:
    space = space_entry("cifar-tree")
    choices = tuple(at % len(block.ops) for at, block in enumerate(space.decisions))
    return architecture_chart(Architecture(space=space, choices=choices))


def _paths(_: QuantizeResult) -> Chart:
    moments = [
        Moment(
            step=step,
            entropy=1.9 / step,
            probabilities=search_run.probabilities(SEARCH.space, sharpness=step),
        )
        for step in range(1, 9)
    ]
    return probability_history(SEARCH.space, moments).chart


TABLE = profile_run.result(profile_config()).table


CHARTS: dict[str, Callable[[QuantizeResult], Chart]] = {
    "bits": _bits,
    "accuracy": accuracy_chart,
    "loss": loss_chart,
    "sensitivity": lambda result: sensitivity_chart(result.sensitivity),
    "equal cost": _equal_cost,
    "comparison": _comparison,
    "architecture": _architecture,
    "tree": _tree,
    "paths": _paths,
    "candidates": lambda _: candidate_chart(SEARCH),
    "networks": lambda _: network_chart(SEARCH),
    "times of rows": lambda _: row_times_chart(TABLE),
    "sampled networks": lambda _: sampled_networks_chart(end_to_end(1.1, 0.2), "int8"),
}
every_chart = pytest.mark.parametrize("draw", CHARTS.values(), ids=CHARTS.keys())
every_live_chart = pytest.mark.parametrize(
    "chart",
    [
        *(c for kind, charts in LIVE_CHARTS.items() if kind != "search" for c in charts),
        *search_charts(search_config(), SEARCH.space),
    ],
    ids=lambda c: c.id,
)


@pytest.fixture(scope="module")
def result() -> QuantizeResult:
    return haq_run.result(quantize_config())


@every_chart
def test_plotly_takes_the_figure(
    result: QuantizeResult, draw: Callable[[QuantizeResult], Chart]
) -> None:
    chart = draw(result)

    figure = go.Figure(chart.figure)

    assert len(figure.data) == len(chart.figure["data"]) > 0


@every_chart
def test_the_figure_is_plain_json(
    result: QuantizeResult, draw: Callable[[QuantizeResult], Chart]
) -> None:
    figure = draw(result).figure

    assert json.loads(json.dumps(figure, allow_nan=False)) == figure


@every_chart
def test_the_table_twin_has_rows_as_wide_as_its_head(
    result: QuantizeResult, draw: Callable[[QuantizeResult], Chart]
) -> None:
    table = draw(result).table

    assert table.rows
    assert {len(row) for row in table.rows} == {len(table.columns)}


@every_chart
def test_colours_are_the_pages_so_that_light_and_dark_both_read(
    result: QuantizeResult, draw: Callable[[QuantizeResult], Chart]
) -> None:
    text = json.dumps(draw(result).figure)

    assert '"var(--' in text
    assert "#" not in text


@every_chart
def test_a_sentence_stands_in_for_the_figure(
    result: QuantizeResult, draw: Callable[[QuantizeResult], Chart]
) -> None:
    chart = draw(result)

    assert len(chart.summary) > 30
    assert chart.summary.endswith(".")


@every_live_chart
def test_plotly_takes_a_live_charts_layout_and_traces(chart: LiveChart) -> None:
    go.Figure({"data": [trace.plotly for trace in chart.traces], "layout": chart.layout})


@every_live_chart
def test_a_live_chart_reads_only_what_events_have(chart: LiveChart) -> None:
    from engine.schema.codec import to_json

    told = [
        *haq_run.events(quantize_config(), scored=3),
        *search_run.events(search_config(), updates=2),
        *profile_run.events(profile_config()),
    ]
    payloads = [to_json(event) for event in told]

    for trace in chart.traces:
        own = [each for each in payloads if each["kind"] == trace.event]
        assert own, f"no event {trace.event!r}"
        assert all(trace.y.split(".")[0] in each for each in own)
        others = [path for path in (trace.x, trace.low, trace.high) if path]
        assert all(path in each for each in own for path in others)


def test_every_kind_of_job_has_live_charts() -> None:
    assert set(LIVE_CHARTS) == set(Job.Kind.values)


@pytest.mark.parametrize(
    "marks",
    [
        pytest.param([(m.color, m.pattern) for m in KINDS.values()], id="kinds of layer"),
        pytest.param([(m.color, m.dash) for m in STRATEGIES.values()], id="strategies' lines"),
        pytest.param([(m.color, m.symbol) for m in RUN_MARKS], id="compared runs"),
        pytest.param([(m.color, m.symbol) for m in PRECISIONS.values()], id="precisions"),
        pytest.param([(m.color, m.pattern) for m in OPERATION_MARKS[:4]], id="expansions"),
        pytest.param([(m.color, m.pattern) for m in OPERATION_MARKS[4:8]], id="edges of a cell"),
    ],
)
def test_series_differ_by_shape_as_well_as_by_colour(marks: list[tuple[str, str]]) -> None:
    colors, shapes = zip(*marks, strict=True)

    assert len(set(colors)) == len(marks)
    assert len(set(shapes)) == len(marks)
