"""What a network costs at the same width everywhere, device by device."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.schema.cost import Cost, Metric
from webapp.charts.chart import Chart, FigureJson, Table, axis, layout, listed
from webapp.charts.palette import DEVICES, Mark
from webapp.charts.quantities import QUANTITIES, percent, write

_HEIGHT = 340


@dataclass(frozen=True, slots=True, kw_only=True)
class UniformCosts:
    """A network's costs on one device at each width, and in float where it can tell."""

    by_bits: Mapping[int, Cost]  # descending widths, 8 among them
    in_float: Cost | None

    def ratio(self, bits: int, metric: Metric) -> float:
        """The cost at a width, of that at 8 bits."""
        return self.by_bits[bits][metric] / self.by_bits[8][metric]


def uniform_chart(devices: Mapping[str, UniformCosts], metric: Metric, *, network: str) -> Chart:
    """Draw each device's cost at fixed widths against its own cost at 8 bits."""
    title = QUANTITIES[metric].title
    marks = dict(zip(devices, DEVICES, strict=False))
    widths = list(next(iter(devices.values())).by_bits)
    return Chart(
        id="uniform-costs",
        title=f"{title} of {network} at fixed widths",
        summary=_summary(devices, metric),
        figure={
            "data": [_trace(name, costs, marks[name], metric) for name, costs in devices.items()],
            "layout": layout(
                height=_HEIGHT,
                xaxis=axis(
                    "Bits everywhere but in the first and last layer",
                    autorange="reversed",
                    tickvals=widths,
                ),
                yaxis=axis("Of fixed 8-bit (%)", rangemode="tozero"),
            ),
        },
        table=_table(devices),
        height=_HEIGHT,
    )


def _trace(name: str, costs: UniformCosts, mark: Mark, metric: Metric) -> FigureJson:
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": name,
        "x": list(costs.by_bits),
        "y": [round(100 * costs.ratio(bits, metric), 3) for bits in costs.by_bits],
        "text": [write(metric, cost[metric]) for cost in costs.by_bits.values()],
        "line": {"color": mark.color, "dash": mark.dash, "width": 2},
        "marker": {"color": mark.color, "symbol": mark.symbol, "size": 8},
        "hovertemplate": f"%{{x}}-bit: %{{text}}, %{{y:.1f}} %<extra>{name}</extra>",
    }


def _summary(devices: Mapping[str, UniformCosts], metric: Metric) -> str:
    said = [
        f"{write(metric, costs.by_bits[8][metric])} on {name} (fixed 4-bit: "
        f"{percent(costs.ratio(4, metric), places=0)} of it)"
        for name, costs in devices.items()
    ]
    return f"At 8 bits: {listed(said)}."


def _table(devices: Mapping[str, UniformCosts]) -> Table:
    columns = [(name, metric) for name, costs in devices.items() for metric in _metrics(costs)]
    widths = list(next(iter(devices.values())).by_bits)
    rows = [
        (
            f"{bits}-bit",
            *(write(metric, devices[name].by_bits[bits][metric]) for name, metric in columns),
        )
        for bits in widths
    ]
    if any(costs.in_float for costs in devices.values()):
        rows.insert(0, ("float", *(_float_cell(devices[name], m) for name, m in columns)))
    return Table(
        columns=(
            "Width",
            *(f"{name}: {QUANTITIES[metric].title.lower()}" for name, metric in columns),
        ),
        rows=tuple(rows),
    )


def _metrics(costs: UniformCosts) -> Sequence[Metric]:
    return list(costs.by_bits[8].values)


def _float_cell(costs: UniformCosts, metric: Metric) -> str:
    known = costs.in_float
    return "–" if known is None or metric not in known else write(metric, known[metric])
