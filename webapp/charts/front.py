"""Accuracy and loss against cost: what was scored, what was predicted, and the budget's line."""

from collections.abc import Sequence
from dataclasses import replace

from engine.schema.cost import Metric
from engine.schema.results import Candidate, Contender, QuantizeResult
from webapp.charts.chart import Chart, FigureJson, Table, axis, layout
from webapp.charts.palette import ACCENT, INK, MUTED, STRATEGIES, strategy_mark
from webapp.charts.quantities import QUANTITIES, Unit, percent

_HEIGHT = 380
SHOWN_DEPTH = 0.15  # accuracy below the best by more than this leaves the frame
FLOOR_NATS = 1e-4  # a logarithm needs one; below it, differences are noise of the images


def accuracy_chart(result: QuantizeResult) -> Chart:
    """Draw every scored policy and every contender: accuracy on the search split against cost."""
    metric = result.budgets[0].metric
    unit = _unit(result, metric)
    scored = [c for c in result.candidates if c.accuracy is not None and metric in c.costs]
    rows = [c for c in result.contenders if metric in c.cost and _search_accuracy(c) is not None]
    traces = [
        *_scored_traces(scored, metric, unit),
        _contender_trace(rows, metric, unit, found=result.found),
    ]
    return Chart(
        id="accuracy-front",
        title=f"Accuracy against {QUANTITIES[metric].title.lower()}",
        summary=_summary(result, scored, unit),
        figure={
            "data": traces,
            "layout": _layout(
                result, unit, y_title="Accuracy, search images (%)", y_range=_range(scored, rows)
            ),
        },
        table=_accuracy_table(rows, scored, metric, unit),
        height=_HEIGHT,
    )


def loss_chart(result: QuantizeResult) -> Chart:
    """Draw the solver's predicted front beside what was measured, both above the float network."""
    metric = result.front.metric
    unit = _unit(result, metric)
    float_loss = result.contender("float").search_loss or 0.0
    predicted = [c for c in result.front.points if c.loss is not None]
    scored = [
        replace(c, loss=max(c.loss - float_loss, FLOOR_NATS))
        for c in result.candidates
        if c.loss is not None and metric in c.costs
    ]
    line: FigureJson = {
        "type": "scatter",
        "mode": "lines",
        "name": "Solver's prediction",
        "x": [c.costs[metric] / unit.size for c in predicted],
        "y": [max(c.loss or 0.0, FLOOR_NATS) for c in predicted],
        "line": {"color": ACCENT, "width": 2},
        "hovertemplate": f"%{{x:.3f}} {unit.symbol}<br>%{{y:.4f}} nats<extra>predicted</extra>",
    }
    return Chart(
        id="loss-front",
        title="Loss above float: predicted and measured",
        summary=(
            f"The line is the best the solver predicts at each cost, from {len(predicted)} "
            f"policies, when the layers' losses add up; the marks are {len(scored)} policies "
            "measured on the search images. Marks above the line show where the sum falls short."
        ),
        figure={
            "data": [line, *_scored_traces(scored, metric, unit, loss=True)],
            "layout": _layout(result, unit, y_title="Loss above float (nats)", log=True),
        },
        table=_loss_table(predicted, scored, metric, unit),
        height=_HEIGHT,
    )


def _unit(result: QuantizeResult, metric: Metric) -> Unit:
    costs = [c.costs[metric] for c in result.candidates if metric in c.costs]
    return QUANTITIES[metric].unit_for([*costs, result.budgets[0].limit])


def _search_accuracy(contender: Contender) -> float | None:
    measured = contender.tuned_search_accuracy or contender.search_accuracy
    return None if measured is None else measured.value


def _scored_traces(
    scored: Sequence[Candidate], metric: Metric, unit: Unit, *, loss: bool = False
) -> list[FigureJson]:
    traces = []
    for origin in [*STRATEGIES, *sorted({c.origin for c in scored} - set(STRATEGIES))]:
        own = [c for c in scored if c.origin == origin]
        if not own:
            continue
        mark = strategy_mark(origin)
        ys = [c.loss if loss else _percent(c.accuracy) for c in own]
        template = "%{y:.4f} nats" if loss else "%{y:.1f} %"
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": mark.title,
                "x": [c.costs[metric] / unit.size for c in own],
                "y": ys,
                "marker": {
                    "color": mark.color,
                    "symbol": f"{mark.symbol}-open",
                    "size": 7,
                    "line": {"width": 1.2, "color": mark.color},
                },
                "opacity": 0.75,
                "hovertemplate": (
                    f"%{{x:.3f}} {unit.symbol}<br>{template}<extra>{mark.title}</extra>"
                ),
            }
        )
    return traces


def _contender_trace(
    rows: Sequence[Contender], metric: Metric, unit: Unit, *, found: str
) -> FigureJson:
    return {
        "type": "scatter",
        "mode": "markers+text",
        "name": "Contenders, as tuned",
        "x": [row.cost[metric] / unit.size for row in rows],
        "y": [_percent(_search_accuracy(row)) for row in rows],
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


def _layout(
    result: QuantizeResult,
    unit: Unit,
    *,
    y_title: str,
    y_range: list[float] | None = None,
    log: bool = False,
) -> FigureJson:
    budget = result.budgets[0]
    limit = budget.limit / unit.size
    title = f"{QUANTITIES[budget.metric].title} ({unit.symbol})".replace(" ()", "")
    y_axis = axis(y_title, type="log", dtick="D2") if log else axis(y_title)
    if y_range:
        y_axis["range"] = y_range
    return layout(
        height=_HEIGHT,
        xaxis=axis(title, rangemode="tozero"),
        yaxis=y_axis,
        shapes=[
            {
                "type": "line",
                "xref": "x",
                "yref": "paper",
                "x0": limit,
                "x1": limit,
                "y0": 0,
                "y1": 1,
                "line": {"color": MUTED, "width": 1.5, "dash": "dash"},
            }
        ],
        annotations=[
            {
                "x": limit,
                "y": 0,
                "xref": "x",
                "yref": "paper",
                "text": f"budget {unit.write(budget.limit)}",
                "showarrow": False,
                "xanchor": "left",
                "yanchor": "bottom",
                "xshift": 4,
                "font": {"color": MUTED, "size": 11},
            }
        ],
    )


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


def _loss_table(
    predicted: Sequence[Candidate], scored: Sequence[Candidate], metric: Metric, unit: Unit
) -> Table:
    return Table(
        columns=("Policy", QUANTITIES[metric].title, "Loss above float (nats)"),
        rows=tuple(
            (
                "Predicted front" if c in predicted else strategy_mark(c.origin).title,
                unit.write(c.costs[metric]),
                f"{c.loss:.4f}",
            )
            for c in (*_thinned(predicted), *scored)
        ),
    )


def _thinned(points: Sequence[Candidate], most: int = 60) -> list[Candidate]:
    step = max(1, len(points) // most)
    return list(points[::step])


def _percent(ratio: float | None) -> float | None:
    return None if ratio is None else round(100 * ratio, 3)
