"""The times of a profiled table, each shape with the span of its samples."""

from collections.abc import Sequence

from engine.schema.cost_table import BlockRow, CostTable, KernelPrecision, LayerRow, Timing
from webapp.charts.chart import Chart, FigureJson, Table, axis, layout, log_axis
from webapp.charts.palette import PRECISIONS

_HEIGHT = 400
_Row = BlockRow | LayerRow


def row_times_chart(table: CostTable) -> Chart:
    """Draw the median of each row, fastest first, from its fastest tenth to its slowest."""
    precision = table.precisions[0]
    rows: list[_Row] = [*table.blocks, *table.layers]
    rows.sort(key=lambda row: row.times[precision].median_ms)
    return Chart(
        id="row-times",
        title="Times of blocks and layers",
        summary="Each shape once, the fastest first: the median of its samples on a logarithmic "
        "axis, with a bar from the fastest tenth of them to the slowest.",
        figure={
            "data": [_trace(rows, one) for one in table.precisions],
            "layout": layout(
                height=_HEIGHT,
                xaxis=axis("Shape, in order of its time", tickformat="d"),
                yaxis=log_axis("Median (ms)", lowest=-4, highest=4),
            ),
        },
        table=_table(rows, table.precisions),
        height=_HEIGHT,
    )


def _trace(rows: Sequence[_Row], precision: KernelPrecision) -> FigureJson:
    mark = PRECISIONS[precision]
    timings = [row.times[precision] for row in rows]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": mark.title,
        "x": list(range(1, len(rows) + 1)),
        "y": [timing.median_ms for timing in timings],
        "text": [row.label for row in rows],
        "error_y": {
            "type": "data",
            "symmetric": False,
            "array": [(timing.p90_ms or timing.median_ms) - timing.median_ms for timing in timings],
            "arrayminus": [
                timing.median_ms - (timing.p10_ms or timing.median_ms) for timing in timings
            ],
            "color": mark.color,
            "thickness": 1,
            "width": 2,
        },
        "marker": {"color": mark.color, "symbol": mark.symbol, "size": 7},
        "hovertemplate": "%{text}<br>%{y:.4f} ms<extra>" + mark.title + "</extra>",
    }


def _table(rows: Sequence[_Row], precisions: Sequence[KernelPrecision]) -> Table:
    return Table(
        columns=("Shape", "Precision", "Median (ms)", "p10 (ms)", "p90 (ms)", "Samples"),
        rows=tuple(
            (row.label, precision, *_cells(row.times[precision]))
            for row in rows
            for precision in precisions
        ),
    )


def _cells(timing: Timing) -> tuple[str, str, str, str]:
    ends = ("–" if ms is None else f"{ms:.4f}" for ms in (timing.p10_ms, timing.p90_ms))
    return (f"{timing.median_ms:.4f}", *ends, str(timing.samples))  # type: ignore[return-value] # two ends
