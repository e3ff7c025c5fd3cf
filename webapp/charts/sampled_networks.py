"""Whole networks that were timed beside the sums of a table's rows, and the line between."""

from engine.schema.cost_table import EndToEnd, KernelPrecision, SampledNetwork
from webapp.charts.chart import Chart, FigureJson, Table, axis, layout
from webapp.charts.palette import ACCENT, MUTED
from webapp.charts.quantities import QUANTITIES, percent

_HEIGHT = 360
_MS = QUANTITIES["latency_ms"].units[0]


def sampled_networks_chart(check: EndToEnd, precision: KernelPrecision) -> Chart:
    """Draw the measured times of sampled networks over the sums of their rows, and the fit."""
    kind = "networks" if check.networks[0].choices else "stretches of the network"
    return Chart(
        id=f"sampled-networks-{precision}",
        title=f"Whole networks against the table, {precision}",
        summary=(
            f"{len(check.networks)} {kind} were run end to end. "
            f"{check.alpha:.3f} × the sum of rows + {_MS.write(check.beta_ms)} tells their times "
            f"with a mean error of {percent(check.mean_error)}, R² {check.r2:.3f} and Kendall’s "
            f"tau {check.kendall_tau:.2f}; each was left out of its own fit for error and R²."
        ),
        figure={
            "data": [_points(check), _fitted(check)],
            "layout": layout(
                height=_HEIGHT,
                xaxis=axis("Sum of its rows (ms)"),
                yaxis=axis("Measured end to end (ms)"),
            ),
        },
        table=Table(
            columns=("Network", "Sum of rows", "Fitted", "Measured", "Error"),
            rows=tuple(_row(network) for network in check.networks),
        ),
        height=_HEIGHT,
    )


def _points(check: EndToEnd) -> FigureJson:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": "a network",
        "x": [network.sum_ms for network in check.networks],
        "y": [network.measured_ms for network in check.networks],
        "text": [network.label for network in check.networks],
        "marker": {"color": ACCENT, "symbol": "circle-open", "size": 9, "line": {"width": 1.6}},
        "hovertemplate": "%{text}<br>sum %{x:.3f} ms, measured %{y:.3f} ms<extra></extra>",
    }


def _fitted(check: EndToEnd) -> FigureJson:
    sums = [network.sum_ms for network in check.networks]
    ends = [min(sums), max(sums)]
    return {
        "type": "scatter",
        "mode": "lines",
        "name": f"{check.alpha:.3f} × sum + {_MS.write(check.beta_ms)}",
        "x": ends,
        "y": [check.alpha * end + check.beta_ms for end in ends],
        "line": {"color": MUTED, "dash": "dash", "width": 1.5},
        "hoverinfo": "skip",
    }


def _row(network: SampledNetwork) -> tuple[str, ...]:
    error = network.predicted_ms / network.measured_ms - 1
    return (
        network.label,
        _MS.write(network.sum_ms),
        _MS.write(network.predicted_ms),
        _MS.write(network.measured_ms),
        percent(error).replace("-", "\u2212"),
    )
