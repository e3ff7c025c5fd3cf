"""The plane that both fronts of a result share: cost, the policies scored, the budget's line."""

from collections.abc import Sequence

from engine.schema.cost import Metric
from engine.schema.results import Candidate, QuantizeResult, SearchResult
from webapp.charts.chart import FigureJson, axis, layout
from webapp.charts.palette import MUTED, STRATEGIES, strategy_mark
from webapp.charts.quantities import QUANTITIES, Unit

HEIGHT = 380  # pixels


def front_unit(result: QuantizeResult | SearchResult, metric: Metric) -> Unit:
    costs = [c.costs[metric] for c in result.candidates if metric in c.costs]
    return QUANTITIES[metric].unit_for([*costs, result.budgets[0].limit])


def scored_traces(
    scored: Sequence[Candidate], metric: Metric, unit: Unit, *, loss: bool = False
) -> list[FigureJson]:
    traces = []
    for origin in [*STRATEGIES, *sorted({c.origin for c in scored} - set(STRATEGIES))]:
        own = [c for c in scored if c.origin == origin]
        if not own:
            continue
        mark = strategy_mark(origin)
        ys = [c.loss if loss else in_percent(c.accuracy) for c in own]
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


def front_layout(
    result: QuantizeResult | SearchResult,
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
        height=HEIGHT,
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


def draw_near(figure_layout: FigureJson, costs: Sequence[float]) -> None:
    """Let a front's frame begin near its marks; the budget's words stand left of its line."""
    low, high = min(costs), max(costs)
    margin = 0.15 * ((high - low) or 0.1 * abs(high) or 1.0)
    figure_layout["xaxis"]["range"] = [low - margin, high + margin]
    figure_layout["annotations"][0] |= {"xanchor": "right", "xshift": -4}


def in_percent(ratio: float | None) -> float | None:
    return None if ratio is None else round(100 * ratio, 3)
