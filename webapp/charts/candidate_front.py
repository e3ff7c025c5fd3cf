"""Candidates of a search with the supernet's weights: accuracy against cost."""

from collections.abc import Sequence

from engine.schema.results import ScoredArchitecture, SearchResult
from webapp.charts.chart import Chart, FigureJson, Table
from webapp.charts.front import HEIGHT, draw_near, front_layout, front_unit, in_percent
from webapp.charts.palette import ACCENT, Mark
from webapp.charts.quantities import QUANTITIES, Unit, percent

_ORIGINS: dict[str, Mark] = {
    "argmax": Mark(title="Likeliest", color="var(--series-blue)", symbol="diamond-open"),
    "sample": Mark(
        title="Drawn by probability", color="var(--series-orange)", symbol="circle-open"
    ),
    "projection": Mark(
        title="Lowered to the budget", color="var(--series-purple)", symbol="triangle-down-open"
    ),
    "refill": Mark(
        title="Raised to the budget", color="var(--series-green)", symbol="triangle-up-open"
    ),
    "archive": Mark(title="Visited by the search", color="var(--series-red)", symbol="square-open"),
}


def candidate_chart(result: SearchResult) -> Chart:
    """Draw every candidate that was scored with the supernet's weights, and the found one."""
    metric = result.budgets[0].metric
    unit = front_unit(result, metric)
    scored = [each for each in result.candidates if metric in each.costs]
    chosen = result.contender(result.found).choices
    found = [each for each in scored if each.choices == chosen]
    origins = dict.fromkeys([*_ORIGINS, *(each.origin for each in scored)])
    traces = [
        _trace(mark_of(origin), own, result, unit)
        for origin in origins
        if (own := [each for each in scored if each.origin == origin])
    ]
    if found:
        star = Mark(title="Delivered", color=ACCENT, symbol="star")
        traces.append(_trace(star, found[:1], result, unit, size=16))
    drawn = front_layout(result, unit, y_title="Accuracy, search images (%)")
    costs = [*(each.costs[metric] for each in scored), result.budgets[0].limit]
    draw_near(drawn, [cost / unit.size for cost in costs])
    return Chart(
        id="candidate-front",
        title="Candidates with the supernet’s weights",
        summary=_summary(result, scored),
        figure={
            "data": traces,
            "layout": drawn,
        },
        table=_table(result, scored, unit),
        height=HEIGHT,
    )


def mark_of(origin: str) -> Mark:
    """Return how candidates of an origin look; one not known here is drawn plainly."""
    return _ORIGINS.get(origin, Mark(title=origin, color="var(--series-grey)", symbol="x-open"))


def _trace(
    mark: Mark,
    own: Sequence[ScoredArchitecture],
    result: SearchResult,
    unit: Unit,
    *,
    size: int = 8,
) -> FigureJson:
    metric = result.budgets[0].metric
    return {
        "type": "scatter",
        "mode": "markers",
        "name": mark.title,
        "x": [each.costs[metric] / unit.size for each in own],
        "y": [in_percent(each.accuracy) for each in own],
        "marker": {
            "color": mark.color,
            "symbol": mark.symbol,
            "size": size,
            "line": {"width": 1.4, "color": mark.color},
        },
        "hovertemplate": f"%{{x:.3f}} {unit.symbol}<br>%{{y:.1f}} %<extra>{mark.title}</extra>",
    }


def _summary(result: SearchResult, scored: Sequence[ScoredArchitecture]) -> str:
    if not scored:
        return "No candidate was scored by the budget’s metric."
    budget = result.budgets[0]
    within = sum(each.costs[budget.metric] <= budget.limit * (1 + 1e-9) for each in scored)
    best = max(each.accuracy for each in scored)
    return (
        f"{len(scored)} candidates were scored with batch statistics of their own, {within} of "
        f"them within the budget; the best reaches {percent(best)}. Weights are the supernet’s, "
        "so networks trained by themselves stand higher."
    )


def _table(result: SearchResult, scored: Sequence[ScoredArchitecture], unit: Unit) -> Table:
    metric = result.budgets[0].metric
    ordered = sorted(scored, key=lambda each: each.accuracy, reverse=True)
    return Table(
        columns=("Candidate", QUANTITIES[metric].title, "Accuracy, search images", "Loss (nats)"),
        rows=tuple(
            (
                mark_of(each.origin).title,
                unit.write(each.costs[metric]),
                percent(each.accuracy),
                f"{each.loss:.3f}",
            )
            for each in ordered
        ),
    )
