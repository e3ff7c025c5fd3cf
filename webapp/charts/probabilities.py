"""Path probabilities: decisions by operations, at one moment or over a search."""

from collections.abc import Sequence
from dataclasses import dataclass

from engine.schema.architecture import SearchSpace
from webapp.charts.chart import Chart, FigureJson, Table, axis, layout
from webapp.charts.operations import decision_names, decision_options
from webapp.charts.sensitivity import HEAT

_HEIGHT = 320
_MOMENTS_IN_TABLE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """The probabilities after some architecture step, by decision."""

    step: int
    entropy: float  # nats, mean over decisions
    probabilities: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbabilityHistory:
    """The map of the last moment, and those before it to go back to."""

    chart: Chart
    moments: tuple[FigureJson, ...]  # step, words, z: what the slider shows

    @property
    def data_id(self) -> str:
        """The id of the element that carries the moments."""
        return f"{self.chart.id}-moments"

    @property
    def last(self) -> int:
        """The place of the last moment."""
        return len(self.moments) - 1

    @property
    def words(self) -> str:
        """What the last moment is called."""
        return str(self.moments[-1]["words"])


def probability_layout(space: SearchSpace) -> FigureJson:
    """Return the layout of a map of probabilities, the same live and in a result."""
    rows = len({option.label for options in decision_options(space) for option in options})
    decisions = len(space.decisions)
    is_tree = space.form == "tree"
    return layout(
        height=max(_HEIGHT, 26 * rows + 110),
        xaxis=axis(
            "Edge, in forward order" if is_tree else "Block, from the image to the classifier",
            tickformat="d",
            dtick=1 if decisions <= 24 else None,
            showgrid=False,
        ),
        yaxis=axis("", autorange="reversed", showgrid=False, type="category"),
        coloraxis={
            "colorscale": HEAT,
            "cmin": 0,
            "cmax": 1,
            "colorbar": {
                "title": {"text": "probability", "side": "right"},
                "thickness": 12,
                "outlinewidth": 0,
                "tickvals": [0, 0.5, 1],
                "tickfont": {"color": "var(--text-muted)"},
            },
        },
    )


def probability_history(space: SearchSpace, moments: Sequence[Moment]) -> ProbabilityHistory:
    """Draw the last of these moments; the others are a slider's. At least one is needed."""
    last = moments[-1]
    rows = _rows(space)
    figure: FigureJson = {
        "data": [
            {
                "type": "heatmap",
                "name": "probability",
                "coloraxis": "coloraxis",
                "xgap": 1,
                "ygap": 1,
                "x": list(range(1, len(space.decisions) + 1)),
                "y": list(rows),
                "z": _matrix(space, last.probabilities, rows),
                "text": [list(decision_names(space)) for _ in rows],
                "hovertemplate": "%{text}<br>%{y}: %{z:.2f}<extra></extra>",
            }
        ],
        "layout": probability_layout(space),
    }
    chart = Chart(
        id="paths",
        title="Path probabilities over the search",
        summary=_summary(space, moments),
        figure=figure,
        table=_table(space, moments),
        height=figure["layout"]["height"],
    )
    return ProbabilityHistory(
        chart=chart,
        moments=tuple(
            {
                "words": f"step {moment.step}, entropy {moment.entropy:.2f} nats",
                "z": _matrix(space, moment.probabilities, rows),
            }
            for moment in moments
        ),
    )


def _rows(space: SearchSpace) -> tuple[str, ...]:
    labels = [option.label for options in decision_options(space) for option in options]
    return tuple(dict.fromkeys(labels))


def _matrix(
    space: SearchSpace, probabilities: Sequence[Sequence[float]], rows: Sequence[str]
) -> list[list[float | None]]:
    """Return a row for each operation; None where a decision does not have it."""
    columns = [
        {option.label: round(share, 3) for option, share in zip(options, own, strict=True)}
        for options, own in zip(decision_options(space), probabilities, strict=True)
    ]
    return [[column.get(row) for column in columns] for row in rows]


def _table(space: SearchSpace, moments: Sequence[Moment]) -> Table:
    step = max(1, (len(moments) - 1) // (_MOMENTS_IN_TABLE - 1))
    shown = [*moments[:-1:step][: _MOMENTS_IN_TABLE - 1], moments[-1]]
    names, options = decision_names(space), decision_options(space)
    return Table(
        columns=("Block and operation", *(f"step {moment.step}" for moment in shown)),
        rows=tuple(
            (
                f"{name}: {option.label}",
                *(f"{moment.probabilities[at][place]:.2f}" for moment in shown),
            )
            for at, (name, own) in enumerate(zip(names, options, strict=True))
            for place, option in enumerate(own)
        ),
    )


def _summary(space: SearchSpace, moments: Sequence[Moment]) -> str:
    last = moments[-1]
    sure = sum(max(own) >= 0.9 for own in last.probabilities)
    noun = "edges" if space.form == "tree" else "blocks"
    return (
        f"Entropy went from {moments[0].entropy:.2f} to {last.entropy:.2f} nats in {last.step} "
        f"steps. At the end {sure} of {len(last.probabilities)} {noun} hold one operation with a "
        "probability of 0.9 or more."
    )
