"""Accuracy against cost: what was scored, and the contenders as tuned."""

from collections.abc import Sequence

from engine.schema.cost import Metric
from engine.schema.results import Candidate, Contender, QuantizeResult
from webapp.charts.chart import Chart, FigureJson, Table
from webapp.charts.front import HEIGHT, front_layout, front_unit, in_percent, scored_traces
from webapp.charts.palette import ACCENT, INK, strategy_mark
from webapp.charts.quantities import QUANTITIES, Unit, percent

SHOWN_DEPTH = 0.15  # accuracy below the best by more than this leaves the frame


def accuracy_chart(result: QuantizeResult) -> Chart:
    """Draw every scored policy and every contender: accuracy on the search split against cost."""
    metric = result.budgets[0].metric
    unit = front_unit(result, metric)
    scored = [c for c in result.candidates if c.accuracy is not None and metric in c.costs]
    rows = [c for c in result.contenders if metric in c.cost and _search_accuracy(c) is not None]
    traces = [
        *scored_traces(scored, metric, unit),
        _contender_trace(rows, metric, unit, found=result.found),
    ]
    return Chart(
        id="accuracy-front",
        title=f"Accuracy against {QUANTITIES[metric].title.lower()}",
        summary=_summary(result, scored, unit),
        figure={
            "data": traces,
            "layout": front_layout(
                result, unit, y_title="Accuracy, search images (%)", y_range=_range(scored, rows)
            ),
        },
        table=_accuracy_table(rows, scored, metric, unit),
        height=HEIGHT,
    )


def _search_accuracy(contender: Contender) -> float | None:
    measured = contender.tuned_search_accuracy or contender.search_accuracy
    return None if measured is None else measured.value


def _contender_trace(
    rows: Sequence[Contender], metric: Metric, unit: Unit, *, found: str
) -> FigureJson:
    return {
        "type": "scatter",
        "mode": "markers+text",
        "name": "Contenders, as tuned",
        "x": [row.cost[metric] / unit.size for row in rows],
        "y": [in_percent(_search_accuracy(row)) for row in rows],
        "text": [_label(row, found=found) for row in rows],
        "hovertext": [row.label for row in rows],
        "textposition": [_side(row, rows, metric, found=found) for row in rows],
        "textfont": {"size": 11, "color": INK},
        "cliponaxis": False,
        "marker": {
            "color": [ACCENT if row.id == found else INK for row in rows],
            "symbol": ["star" if row.id == found else "square" for row in rows],
            "size": [16 if row.id == found else 8 for row in rows],
            "line": {"color": "var(--surface)", "width": 1},
        },
        "hovertemplate": (
            f"%{{hovertext}}<br>%{{x:.3f}} {unit.symbol}<br>%{{y:.1f}} %<extra></extra>"
        ),
    }


def _label(row: Contender, *, found: str) -> str:
    """Return the text beside a mark: what else a strategy found lies too near to be labelled."""
    if row.id == found:
        return f"found: {row.label}"
    return row.label if row.role == "baseline" else ""


def _side(row: Contender, rows: Sequence[Contender], metric: Metric, *, found: str) -> str:
    """Return where a label stands: clear of its neighbour at the budget, inside at the right."""
    if row.id == found:
        return "top left"
    widest = max(each.cost[metric] for each in rows)
    return "bottom left" if row.cost[metric] > 0.7 * widest else "bottom right"


def _range(scored: Sequence[Candidate], rows: Sequence[Contender]) -> list[float] | None:
    values = [c.accuracy for c in scored if c.accuracy is not None]
    values += [value for row in rows if (value := _search_accuracy(row)) is not None]
    if not values:
        return None
    best = max(values)
    lowest = min(value for value in values if value >= best - SHOWN_DEPTH)
    margin = 0.12 * (best - lowest) + 0.005
    return [100 * (lowest - margin), 100 * (best + 1.5 * margin)]


def _summary(result: QuantizeResult, scored: Sequence[Candidate], unit: Unit) -> str:
    limit = result.budgets[0].limit
    metric = result.budgets[0].metric
    within = [c for c in scored if c.costs[metric] <= limit * (1 + 1e-9)]
    sentence = f"{len(scored)} policies were scored, {len(within)} within {unit.write(limit)}."
    best = max((c.accuracy for c in scored if c.accuracy is not None), default=None)
    below = [c for c in scored if c.accuracy is not None and c.accuracy < (best or 0) - SHOWN_DEPTH]
    if below:
        sentence += f" {len(below)} lie below the frame; the table has them."
    return sentence


def _accuracy_table(
    rows: Sequence[Contender], scored: Sequence[Candidate], metric: Metric, unit: Unit
) -> Table:
    best_first = sorted(scored, key=lambda c: c.accuracy or 0.0, reverse=True)
    return Table(
        columns=("Policy", QUANTITIES[metric].title, "Accuracy, search images"),
        rows=(
            *(
                (row.label, unit.write(row.cost[metric]), percent(_search_accuracy(row) or 0.0))
                for row in rows
            ),
            *(
                (
                    f"Scored by {strategy_mark(c.origin).title.lower()}",
                    unit.write(c.costs[metric]),
                    percent(c.accuracy or 0.0),
                )
                for c in best_first
            ),
        ),
    )
