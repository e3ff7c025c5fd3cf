"""Trained networks of a search: accuracy against cost, random ones as a band."""

from collections.abc import Sequence

from engine.schema.results import Accuracy, SearchResult, TrainedNetwork
from webapp.charts.chart import Chart, FigureJson, Table
from webapp.charts.front import HEIGHT, draw_near, front_layout, in_percent
from webapp.charts.palette import ACCENT, INK, Mark
from webapp.charts.quantities import QUANTITIES, Unit, percent

_MARKS: dict[str, Mark] = {
    "search": Mark(title="Found network", color=ACCENT, symbol="star"),
    "mobilenet_v2": Mark(title="MobileNetV2", color=INK, symbol="square"),
    "random": Mark(title="Random networks", color="var(--series-grey)", symbol="x"),
}

_FRAME = 0.15  # what stands lower than this below the best is left out of the frame


def network_chart(result: SearchResult) -> Chart:
    """Draw each trained network with one standard error, and the range of the random ones."""
    metric = result.budgets[0].metric
    rows = [
        row
        for row in result.contenders
        if metric in row.cost and (row.report_accuracy or row.search_accuracy)
    ]
    unit = QUANTITIES[metric].unit_for(
        [*(row.cost[metric] for row in rows), result.budgets[0].limit]
    )
    drawn = front_layout(result, unit, y_title="Accuracy as trained (%)")
    drawn["shapes"] = [*_band(rows), *drawn["shapes"]]
    framed = [row for row in rows if row not in _below(rows)]
    costs = [*(row.cost[metric] for row in framed), result.budgets[0].limit]
    draw_near(drawn, [cost / unit.size for cost in costs])
    drawn["yaxis"]["range"] = _heights(framed)
    return Chart(
        id="network-front",
        title="Networks as trained",
        summary=_summary(rows),
        figure={
            "data": [
                _trace(mark, own, result, unit)
                for origin, mark in _MARKS.items()
                if (own := [row for row in rows if row.origin == origin])
            ],
            "layout": drawn,
        },
        table=_table(rows, result, unit),
        height=HEIGHT,
    )


def _accuracy(row: TrainedNetwork) -> Accuracy:
    measured = row.report_accuracy or row.search_accuracy
    assert measured is not None  # rows without one are left out
    return measured


def _trace(
    mark: Mark, own: Sequence[TrainedNetwork], result: SearchResult, unit: Unit
) -> FigureJson:
    metric = result.budgets[0].metric
    return {
        "type": "scatter",
        "mode": "markers",
        "name": mark.title,
        "x": [row.cost[metric] / unit.size for row in own],
        "y": [in_percent(_accuracy(row).value) for row in own],
        "error_y": {
            "type": "data",
            "array": [in_percent(_accuracy(row).standard_error) for row in own],
            "color": mark.color,
            "thickness": 1.2,
            "width": 4,
        },
        "text": [row.label for row in own],
        "marker": {
            "color": mark.color,
            "symbol": mark.symbol,
            "size": 14 if mark.symbol == "star" else 9,
        },
        "hovertemplate": f"%{{text}}<br>%{{x:.3f}} {unit.symbol}<br>%{{y:.1f}} %<extra></extra>",
    }


def _band(rows: Sequence[TrainedNetwork]) -> list[FigureJson]:
    values = [_accuracy(row).value for row in rows if row.origin == "random"]
    if not values:
        return []
    return [
        {
            "type": "rect",
            "xref": "paper",
            "yref": "y",
            "x0": 0,
            "x1": 1,
            "y0": in_percent(min(values)),
            "y1": in_percent(max(values)),
            "fillcolor": "var(--series-grey)",
            "opacity": 0.16,
            "line": {"width": 0},
            "layer": "below",
        }
    ]


def _below(rows: Sequence[TrainedNetwork]) -> list[TrainedNetwork]:
    """Return the networks so far below the best that they would flatten the rest."""
    best = max(_accuracy(row).value for row in rows)
    return [row for row in rows if _accuracy(row).value < best - _FRAME]


def _heights(rows: Sequence[TrainedNetwork]) -> list[float]:
    """Return the range that these networks and their bars take, in percent."""
    ends = [
        100 * (_accuracy(row).value + side * _accuracy(row).standard_error)
        for row in rows
        for side in (-1, 1)
    ]
    margin = 0.08 * (max(ends) - min(ends)) or 1.0
    return [min(ends) - margin, max(ends) + margin]


def _summary(rows: Sequence[TrainedNetwork]) -> str:
    values = [_accuracy(row).value for row in rows if row.origin == "random"]
    words = "Bars are one standard error of the images."
    if values:
        words += (
            f" The band is the range of {len(values)} random networks, "
            f"{percent(min(values))} to {percent(max(values))}."
        )
    else:
        words += " No random network was trained."
    for row in _below(rows):
        words += f" {row.label}, {percent(_accuracy(row).value)}, stands below the frame."
    return words


def _table(rows: Sequence[TrainedNetwork], result: SearchResult, unit: Unit) -> Table:
    metric = result.budgets[0].metric
    return Table(
        columns=("Network", QUANTITIES[metric].title, "Accuracy", "Standard error (points)"),
        rows=tuple(
            (
                row.label,
                unit.write(row.cost[metric]),
                percent(_accuracy(row).value),
                f"{100 * _accuracy(row).standard_error:.2f}",
            )
            for row in rows
        ),
    )
