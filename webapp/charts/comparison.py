"""Found policies and baselines of several runs in one plane of cost and accuracy."""

from collections.abc import Sequence
from dataclasses import dataclass

from engine.schema.cost import Cost, Metric
from webapp.charts.chart import Chart, FigureJson, Table, axis, layout
from webapp.charts.palette import Mark
from webapp.charts.quantities import QUANTITIES, Unit, percent

_HEIGHT = 420


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedPoint:
    """One network of a result in the plane: what was found, or a baseline."""

    label: str
    cost: Cost
    accuracy: float  # as delivered, 0-1
    is_found: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedResult:
    """A result's points with the name and look it has in a comparison."""

    name: str
    mark: Mark
    points: tuple[ComparedPoint, ...]

    def with_metric(self, metric: Metric) -> list[ComparedPoint]:
        """The points whose cost is known by a metric."""
        return [point for point in self.points if metric in point.cost]


def comparison_chart(named: Sequence[NamedResult], metric: Metric) -> Chart:
    """Draw accuracy as delivered against cost: found policies large, baselines small."""
    shown = [each for each in named if each.with_metric(metric)]
    unit = QUANTITIES[metric].unit_for(
        row.cost[metric] for each in shown for row in each.with_metric(metric)
    )
    title = QUANTITIES[metric].title
    return Chart(
        id="comparison",
        title=f"Accuracy against {title.lower()}",
        summary=(
            "Large filled marks are what each run found; small open ones are its baselines. The "
            "float network of a quantised one is left out."
        ),
        figure={
            "data": [trace for each in shown for trace in _traces(each, metric, unit)],
            "layout": layout(
                height=_HEIGHT,
                xaxis=axis(f"{title} ({unit.symbol})".replace(" ()", ""), rangemode="tozero"),
                yaxis=axis("Accuracy (%)"),
            ),
        },
        table=_table(shown, metric, unit),
        height=_HEIGHT,
    )


def _traces(each: NamedResult, metric: Metric, unit: Unit) -> list[FigureJson]:
    points = each.with_metric(metric)
    return [
        _trace(each, [p for p in points if p.is_found], metric, unit, is_found=True),
        _trace(each, [p for p in points if not p.is_found], metric, unit, is_found=False),
    ]


def _trace(
    each: NamedResult, rows: Sequence[ComparedPoint], metric: Metric, unit: Unit, *, is_found: bool
) -> FigureJson:
    symbol = each.mark.symbol if is_found else f"{each.mark.symbol}-open"
    return {
        "type": "scatter",
        "mode": "markers+text" if is_found else "markers",
        "name": f"{each.mark.title}: {each.name}" if is_found else f"{each.mark.title}, baselines",
        "legendgroup": each.mark.title,
        "showlegend": is_found,
        "x": [row.cost[metric] / unit.size for row in rows],
        "y": [round(100 * row.accuracy, 3) for row in rows],
        "text": [each.mark.title] * len(rows) if is_found else [row.label for row in rows],
        "textposition": "top center",
        "cliponaxis": False,
        "marker": {
            "color": each.mark.color,
            "symbol": symbol,
            "size": 14 if is_found else 8,
            "line": {"width": 1.5, "color": each.mark.color},
        },
        "customdata": [row.label for row in rows],
        "hovertemplate": (
            f"%{{customdata}}<br>%{{x:.3f}} {unit.symbol}<br>%{{y:.1f}} %"
            f"<extra>{each.mark.title}</extra>"
        ),
    }


def _table(shown: Sequence[NamedResult], metric: Metric, unit: Unit) -> Table:
    return Table(
        columns=("Run and network", QUANTITIES[metric].title, "Accuracy"),
        rows=tuple(
            (
                f"{each.mark.title}: {row.label}" + (" (found)" if row.is_found else ""),
                unit.write(row.cost[metric]),
                percent(row.accuracy),
            )
            for each in shown
            for row in each.with_metric(metric)
        ),
    )
