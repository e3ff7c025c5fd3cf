"""Strategies at equal cost: the best accuracy so far against policies scored."""

from collections.abc import Sequence
from dataclasses import dataclass

from webapp.charts.chart import Chart, FigureJson, Table, axis, layout, listed
from webapp.charts.palette import STRATEGIES, strategy_mark
from webapp.charts.quantities import percent

_HEIGHT = 320


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredEpisode:
    """One scored policy as the log has it."""

    strategy: str
    episode: int  # from 1, per strategy
    accuracy: float  # search split, 0-1


def equal_cost_chart(episodes: Sequence[ScoredEpisode]) -> Chart:
    """Draw, per strategy, the best accuracy after each scored policy."""
    curves = {
        strategy: curve
        for strategy in STRATEGIES
        if (curve := _best_so_far([e for e in episodes if e.strategy == strategy]))
    }
    return Chart(
        id="equal-cost",
        title="Strategies at equal cost",
        summary=_summary(curves),
        figure={
            "data": [_trace(strategy, curve) for strategy, curve in curves.items()],
            "layout": layout(
                height=_HEIGHT,
                xaxis=axis("Policies scored", rangemode="tozero", tickformat="d"),
                yaxis=axis("Best accuracy so far (%)", range=_range(curves)),
            ),
        },
        table=_table(curves),
        height=_HEIGHT,
    )


def _best_so_far(episodes: Sequence[ScoredEpisode]) -> list[tuple[int, float]]:
    curve: list[tuple[int, float]] = []
    best = -1.0
    for episode in sorted(episodes, key=lambda e: e.episode):
        best = max(best, episode.accuracy)
        curve.append((episode.episode, best))
    return curve


def _trace(strategy: str, curve: Sequence[tuple[int, float]]) -> FigureJson:
    mark = strategy_mark(strategy)
    return {
        "type": "scatter",
        "mode": "lines+markers" if len(curve) < 3 else "lines",
        "name": mark.title,
        "x": [episode for episode, _ in curve],
        "y": [round(100 * best, 3) for _, best in curve],
        "line": {"color": mark.color, "dash": mark.dash, "width": 2, "shape": "hv"},
        "marker": {"symbol": mark.symbol, "size": 10, "color": mark.color},
        "hovertemplate": f"after %{{x}}: %{{y:.1f}} %<extra>{mark.title}</extra>",
    }


def _range(curves: dict[str, list[tuple[int, float]]]) -> list[float] | None:
    finals = [curve[-1][1] for curve in curves.values()]
    starts = [curve[0][1] for curve in curves.values()]
    if not finals:
        return None
    best = max(finals)
    # A start far below says little and would flatten what is worth seeing.
    low = max(min([*starts, *finals]), best - 0.2)
    margin = 0.08 * (best - low) + 0.005
    return [100 * (low - margin), 100 * (best + margin)]


def _table(curves: dict[str, list[tuple[int, float]]]) -> Table:
    marks = (1, 5, 10, 20, 40, 80, 160, 320, 640, 1280)
    longest = max((curve[-1][0] for curve in curves.values()), default=0)
    shown = [mark for mark in marks if mark < longest] + ([longest] if longest else [])
    return Table(
        columns=("Strategy", *(f"after {mark}" for mark in shown)),
        rows=tuple(
            (strategy_mark(strategy).title, *(_at(curve, mark) for mark in shown))
            for strategy, curve in curves.items()
        ),
    )


def _at(curve: Sequence[tuple[int, float]], mark: int) -> str:
    reached = [best for episode, best in curve if episode <= mark]
    return percent(reached[-1]) if reached and curve[-1][0] >= mark else "–"


def _summary(curves: dict[str, list[tuple[int, float]]]) -> str:
    if not curves:
        return "No policy was scored."
    ends = [
        f"{strategy_mark(strategy).title.lower()} {percent(curve[-1][1])} after {curve[-1][0]}"
        for strategy, curve in curves.items()
    ]
    return f"Best accuracy before fine-tuning: {listed(ends)}."
