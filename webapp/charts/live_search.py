"""The live charts of a ProxylessNAS search: loss, accuracy, expected cost, entropy, paths."""

from engine.schema.architecture import SearchSpace
from engine.schema.cost import Budget
from webapp.charts.architecture import bar_look, strip_layout
from webapp.charts.chart import FigureJson, axis, layout
from webapp.charts.live_chart import LiveChart, LiveTrace
from webapp.charts.operations import OPERATION_MARKS, Option, decision_names, decision_options
from webapp.charts.palette import MUTED, Mark
from webapp.charts.probabilities import probability_layout
from webapp.charts.quantities import QUANTITIES

_SUPERNET = ("training", "searching")  # the stages whose epochs are the supernet's
_STEP = axis("Architecture step", tickformat="d", rangemode="tozero")
_EPOCH = axis("Epoch", tickformat="d", rangemode="tozero")


def _line(name: str, color: str, *, dash: str = "solid", marks: bool = False) -> FigureJson:
    return {
        "type": "scatter",
        "mode": "lines+markers" if marks else "lines",
        "name": name,
        "line": {"color": color, "dash": dash, "width": 2},
        "marker": {"size": 6, "symbol": "circle" if dash == "solid" else "diamond"},
    }


def _epochs(y: str, look: FigureJson, *, scale: float = 1.0) -> LiveTrace:
    return LiveTrace(
        event="epoch_finished",
        y=y,
        where={"stage": _SUPERNET},
        scale=scale,
        plotly=look,
    )


def _step(y: str, look: FigureJson, *, scale: float = 1.0) -> LiveTrace:
    return LiveTrace(event="gates_updated", x="step", y=y, scale=scale, plotly=look)


_ENTROPY = LiveChart(
    id="live-entropy",
    title="Entropy of the choices",
    description="How undecided the blocks are, in nats, on average. It falls as each block "
    "settles on one operation.",
    stages=("searching",),
    layout=layout(height=280, xaxis=_STEP, yaxis=axis("Entropy (nats)", rangemode="tozero")),
    traces=(_step("entropy", _line("Mean over blocks", "var(--series-purple)")),),
    columns=("Series", "Step", "Entropy (nats)"),
)


_ON_TRAINING = _line("Training images", "var(--series-blue)", marks=True)
_ON_SEARCH = _line("Search images", "var(--series-orange)", dash="dash", marks=True)

SEARCH_CHARTS: tuple[LiveChart, ...] = (
    LiveChart(
        id="live-supernet-loss",
        title="Loss of the supernet",
        description="It draws a path for each batch: first in the warm-up, then in turn with the "
        "choices.",
        stages=_SUPERNET,
        layout=layout(height=280, xaxis=_EPOCH, yaxis=axis("Loss (nats)", rangemode="tozero")),
        traces=(_epochs("train_loss", _ON_TRAINING),),
        columns=("Series", "Epoch", "Loss (nats)"),
    ),
    LiveChart(
        id="live-supernet-accuracy",
        title="Accuracy of the supernet",
        description="Of one drawn path. Training images may run ahead of search images, which no "
        "weight has seen.",
        stages=_SUPERNET,
        layout=layout(height=280, xaxis=_EPOCH, yaxis=axis("Accuracy (%)")),
        traces=(
            _epochs("train_accuracy", _ON_TRAINING, scale=100.0),
            _epochs("search_accuracy", _ON_SEARCH, scale=100.0),
        ),
        columns=("Series", "Epoch", "Accuracy (%)"),
    ),
    LiveChart(
        id="live-step-accuracy",
        title="Accuracy of the drawn paths",
        description="On the search images of each architecture step; paths are drawn by their "
        "probabilities.",
        stages=("searching",),
        layout=layout(height=280, xaxis=_STEP, yaxis=axis("Accuracy (%)")),
        traces=(
            _step("search_accuracy", _line("Search images", "var(--series-orange)"), scale=100.0),
        ),
        columns=("Series", "Step", "Accuracy (%)"),
    ),
    _ENTROPY,
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
            _step("expected_cost", _line("Expected", "var(--series-blue)"), scale=scale),
            _step(
                "argmax_cost",
                _line("Likeliest network", "var(--series-green)", dash="dot"),
                scale=scale,
            ),
            _step("limit", _line("Budget", MUTED, dash="dash"), scale=scale),
        ),
        columns=("Series", "Step", y_title),
    )


def network_charts(random_networks: int) -> tuple[LiveChart, ...]:
    """Return loss and accuracy of the networks that are trained at the end, each by its epochs."""
    words = "The found network and its baselines, one after another, by the same recipe."
    return (
        LiveChart(
            id="live-network-loss",
            title="Loss of the trained networks",
            description=words,
            stages=("finetuning",),
            layout=layout(height=280, xaxis=_EPOCH, yaxis=axis("Loss (nats)", rangemode="tozero")),
            traces=_by_network("train_loss", random_networks),
            columns=("Network", "Epoch", "Loss (nats)"),
        ),
        LiveChart(
            id="live-network-accuracy",
            title="Accuracy of the trained networks",
            description=f"{words} On the search images.",
            stages=("finetuning",),
            layout=layout(height=280, xaxis=_EPOCH, yaxis=axis("Accuracy (%)")),
            traces=_by_network("search_accuracy", random_networks, scale=100.0),
            columns=("Network", "Epoch", "Accuracy (%)"),
        ),
    )


def _by_network(y: str, random_networks: int, *, scale: float = 1.0) -> tuple[LiveTrace, ...]:
    numbers = range(1, random_networks + 1)
    looks: dict[tuple[str, ...], FigureJson] = {
        ("found",): _line("Found network", "var(--series-blue)", marks=True),
        ("mobilenet_v2",): _line("MobileNetV2", "var(--series-orange)", dash="dash", marks=True),
        # One mark for each epoch of each of them: a line would join one to the next.
        tuple(f"random-{number}" for number in numbers): {
            **_line("Random networks", "var(--series-grey)", marks=True),
            "mode": "markers",
            "marker": {"size": 8, "symbol": "x-thin-open"},
        },
    }
    return tuple(
        LiveTrace(
            event="epoch_finished",
            x="epoch",
            y=y,
            where={"stage": "finetuning", "subject": subjects},
            labels="subject" if len(subjects) > 1 else "",
            scale=scale,
            plotly=look,
        )
        for subjects, look in looks.items()
        if subjects
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
