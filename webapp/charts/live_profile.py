"""The live charts of a profile run: times, whole networks, and how steady it all is."""

from webapp.charts.chart import FigureJson, axis, layout, log_axis
from webapp.charts.live_chart import LiveChart, LiveTrace
from webapp.charts.palette import MUTED, PRECISIONS, Mark

_STAGES = ("profiling",)
_LARGEST_PERCENT = 5  # of scatter and of drift, as the protocol has it
_ORDER = axis("Measurement", tickformat="d", rangemode="tozero")


def _points(mark: Mark) -> FigureJson:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": mark.title,
        "marker": {"color": mark.color, "symbol": mark.symbol, "size": 7},
    }


def _lines_at(*percents: int) -> list[FigureJson]:
    """Return dashed lines at what the protocol lets pass."""
    return [
        {
            "type": "line",
            "xref": "paper",
            "x0": 0,
            "x1": 1,
            "y0": percent,
            "y1": percent,
            "line": {"color": MUTED, "width": 1, "dash": "dash"},
        }
        for percent in percents
    ]


_OF_BLOCKS = Mark(title="Blocks and layers", color="var(--series-blue)", symbol="circle")
_OF_NETWORKS = Mark(title="Whole networks", color="var(--series-orange)", symbol="diamond")
_BOTH = (("block_measured", _OF_BLOCKS), ("network_measured", _OF_NETWORKS))

PROFILE_CHARTS: tuple[LiveChart, ...] = (
    LiveChart(
        id="live-times",
        title="Times of blocks and layers",
        description="The median of each shape against its multiply-accumulates, both on "
        "logarithmic axes; bars reach from the fastest tenth of the samples to the slowest.",
        stages=_STAGES,
        wide=True,
        layout=layout(
            height=360,
            xaxis=log_axis("MACs of one image", lowest=2, highest=10),
            yaxis=log_axis("Median (ms)", lowest=-4, highest=4),
        ),
        traces=tuple(
            LiveTrace(
                event="block_measured",
                x="macs",
                y="median_ms",
                low="p10_ms",
                high="p90_ms",
                labels="label",
                where={"precision": precision},
                plotly={
                    **_points(mark),
                    "hovertemplate": "%{text}<br>%{y:.4f} ms<extra>" + mark.title + "</extra>",
                },
            )
            for precision, mark in PRECISIONS.items()
        ),
        columns=("Shape", "MACs", "Median (ms)", "p10 (ms)", "p90 (ms)"),
    ),
    LiveChart(
        id="live-sums",
        title="Whole networks against the sums of their rows",
        description="Each network was drawn at random and run end to end. On a straight line, "
        "sums tell which of two networks is faster.",
        stages=_STAGES,
        layout=layout(
            height=300, xaxis=axis("Sum of its rows (ms)"), yaxis=axis("Run end to end (ms)")
        ),
        traces=tuple(
            LiveTrace(
                event="network_measured",
                x="sum_ms",
                y="measured_ms",
                labels="label",
                where={"precision": precision},
                plotly=_points(mark),
            )
            for precision, mark in PRECISIONS.items()
        ),
        columns=("Network", "Sum of its rows (ms)", "Run end to end (ms)"),
    ),
    LiveChart(
        id="live-drift",
        title="Drift of the reference operation",
        description="One convolution, timed again and again: how much slower than usual the "
        f"machine is. Times beyond the dashed lines, {_LARGEST_PERCENT} %, are rescaled.",
        stages=_STAGES,
        layout=layout(
            height=300,
            xaxis=axis("Measurements before it", tickformat="d", rangemode="tozero"),
            yaxis=axis("Slower than usual (%)", rangemode="tozero"),
            shapes=_lines_at(-_LARGEST_PERCENT, _LARGEST_PERCENT),
        ),
        traces=(
            LiveTrace(
                event="reference_measured",
                x="after",
                y="drift",
                scale=100.0,
                plotly={
                    "type": "scatter",
                    "mode": "lines+markers",
                    "name": "Reference operation",
                    "line": {"color": "var(--series-purple)", "width": 2},
                    "marker": {"size": 6},
                },
            ),
        ),
        columns=("Series", "Measurements before it", "Slower than usual (%)"),
    ),
    LiveChart(
        id="live-scatter",
        title="Scatter of the samples",
        description="The middle half of a measurement's samples, as a share of their median. "
        f"Above the dashed line, {_LARGEST_PERCENT} %, they are taken again.",
        stages=_STAGES,
        layout=layout(
            height=300,
            xaxis=_ORDER,
            yaxis=axis("Scatter (%)", rangemode="tozero"),
            shapes=_lines_at(_LARGEST_PERCENT),
        ),
        traces=tuple(
            LiveTrace(event=event, x="index", y="spread", scale=100.0, plotly=_points(mark))
            for event, mark in _BOTH
        ),
        columns=("Series", "Measurement", "Scatter (%)"),
    ),
    LiveChart(
        id="live-rejected",
        title="Rejected samples",
        description="Samples that something else on the machine disturbed, and those of attempts "
        "that scattered too much. They count nothing.",
        stages=_STAGES,
        layout=layout(height=300, xaxis=_ORDER, yaxis=axis("Samples", rangemode="tozero")),
        traces=tuple(
            LiveTrace(event=event, x="index", y="rejected", plotly=_points(mark))
            for event, mark in _BOTH
        ),
        columns=("Series", "Measurement", "Rejected samples"),
    ),
)
