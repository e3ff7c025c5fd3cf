"""The live charts of a ProxylessNAS search's steps: entropy, accuracy, expected cost, paths."""

from engine.schema.architecture import SearchSpace
from engine.schema.cost import Budget
from webapp.charts.architecture import bar_look, strip_layout
from webapp.charts.chart import FigureJson, axis, layout
from webapp.charts.live_chart import LiveChart, LiveTrace
from webapp.charts.operations import OPERATION_MARKS, Option, decision_names, decision_options
from webapp.charts.palette import MUTED, Mark
from webapp.charts.probabilities import probability_layout
from webapp.charts.quantities import QUANTITIES

_STEP = axis("Architecture step", tickformat="d", rangemode="tozero")


def line(name: str, color: str, *, dash: str = "solid", marks: bool = False) -> FigureJson:
    """Return Plotly's words for a line; one with marks has another for each dash."""
    return {
        "type": "scatter",
        "mode": "lines+markers" if marks else "lines",
        "name": name,
        "line": {"color": color, "dash": dash, "width": 2},
        "marker": {"size": 6, "symbol": "circle" if dash == "solid" else "diamond"},
    }


def _step(y: str, look: FigureJson, *, scale: float = 1.0) -> LiveTrace:
    return LiveTrace(event="gates_updated", x="step", y=y, scale=scale, plotly=look)


STEP_CHARTS: tuple[LiveChart, ...] = (
    LiveChart(
        id="live-entropy",
        title="Entropy of the choices",
        description="How undecided the blocks are, in nats, on average. It falls as each block "
        "settles on one operation.",
        stages=("searching",),
        layout=layout(height=280, xaxis=_STEP, yaxis=axis("Entropy (nats)", rangemode="tozero")),
        traces=(_step("entropy", line("Mean over blocks", "var(--series-purple)")),),
        columns=("Series", "Step", "Entropy (nats)"),
    ),
    LiveChart(
        id="live-step-accuracy",
        title="Accuracy of the drawn paths",
        description="On the search images of each architecture step; paths are drawn by their "
        "probabilities.",
        stages=("searching",),
        layout=layout(height=280, xaxis=_STEP, yaxis=axis("Accuracy (%)")),
        traces=(
            _step("search_accuracy", line("Search images", "var(--series-orange)"), scale=100.0),
        ),
        columns=("Series", "Step", "Accuracy (%)"),
    ),
)


def cost_chart(budget: Budget) -> LiveChart:
    """Return expected cost and that of the likeliest network against the budget's line."""
    quantity = QUANTITIES[budget.metric]
    unit = quantity.unit_for([budget.limit])
    scale = 1.0 / unit.size
    y_title = f"{quantity.title} ({unit.symbol})".replace(" ()", "")
    return LiveChart(
        id="live-cost",
        title=f"{quantity.title} against the budget",
        description="What a network costs on average if each block draws its operation, and what "
        "the likeliest one costs. The dashed line is the budget.",
        stages=("searching",),
        wide=True,
        layout=layout(height=280, xaxis=_STEP, yaxis=axis(y_title, rangemode="tozero")),
        traces=(
            _step("expected_cost", line("Expected", "var(--series-blue)"), scale=scale),
            _step(
                "argmax_cost",
                line("Likeliest network", "var(--series-green)", dash="dot"),
                scale=scale,
            ),
            _step("limit", line("Budget", MUTED, dash="dash"), scale=scale),
        ),
        columns=("Series", "Step", y_title),
    )


def space_charts(space: SearchSpace) -> tuple[LiveChart, ...]:
    """Return the map of path probabilities, and of a mobile space the likeliest network."""
    names, options = decision_names(space), decision_options(space)
    shares = LiveChart(
        id="live-paths",
        title="Path probabilities",
        description="A column for each block, a row for each operation; a stronger colour is a "
        "likelier path.",
        stages=("searching",),
        wide=True,
        layout=probability_layout(space),
        traces=(
            LiveTrace(
                event="gates_updated",
                y="probabilities",
                mode="shares",
                options=options,
                names=names,
                plotly={
                    "type": "heatmap",
                    "name": "probability",
                    "coloraxis": "coloraxis",
                    "xgap": 1,
                    "ygap": 1,
                },
            ),
        ),
        columns=("Block", "Operation", "Probability"),
    )
    if space.form == "tree":  # too many edges for a bar each
        return (shares,)
    return (shares, _likeliest(len(space.blocks), names, options))


def _likeliest(
    blocks: int, names: tuple[str, ...], options: tuple[tuple[Option, ...], ...]
) -> LiveChart:
    used = {option.group for own in options for option in own}
    return LiveChart(
        id="live-architecture",
        title="The likeliest network so far",
        description="A bar for each block, as high as its kernel; its look is the expansion. A "
        "low bar is a block that is skipped.",
        stages=("searching",),
        wide=True,
        layout=strip_layout(blocks),
        traces=tuple(
            _choice(mark, names, options) for mark in OPERATION_MARKS if mark.title in used
        ),
        columns=("Block", "Operation", "Kernel"),
    )


def _choice(
    mark: Mark, names: tuple[str, ...], options: tuple[tuple[Option, ...], ...]
) -> LiveTrace:
    return LiveTrace(
        event="gates_updated",
        y="argmax",
        mode="choice",
        options=options,
        names=names,
        group=mark.title,
        plotly={
            **bar_look(mark, len(names)),
            "hovertemplate": f"block %{{x}}: %{{text}}<extra>{mark.title}</extra>",
        },
    )
