"""The live charts of a HAQ search: reward, accuracy, policy, sensitivity and training."""

from engine.schema.quantize_config import SensitivityMeasure
from webapp.charts.chart import axis, layout
from webapp.charts.live_chart import LiveChart, LiveTrace
from webapp.charts.live_layers import policy_chart, sensitivity_chart
from webapp.charts.palette import STRATEGIES

_ANSWERS = ("solver", "greedy")  # strategies of one policy


def _by_strategy(
    y: str, *, scale: float = 1.0, lines: bool = False, with_best: bool = False
) -> tuple[LiveTrace, ...]:
    return tuple(
        LiveTrace(
            event="episode_finished",
            x="episode",
            y=y,
            where={"strategy": strategy},
            scale=scale,
            plotly={
                "type": "scatter",
                "mode": "lines" if lines and strategy not in _ANSWERS else "markers",
                "name": mark.title,
                "legendgroup": strategy,
                # One entry a strategy: its line, or its mark where it has one policy.
                "showlegend": lines != (strategy in _ANSWERS) or not with_best,
                "opacity": 1.0 if lines else 0.55,
                "line": {"color": mark.color, "dash": mark.dash, "width": 2, "shape": "hv"},
                "marker": {"color": mark.color, "symbol": mark.symbol, "size": 6},
            },
        )
        for strategy, mark in STRATEGIES.items()
    )


def _epochs(y: str, name: str, *, color: str, dash: str = "solid", scale: float = 1.0) -> LiveTrace:
    return LiveTrace(
        event="epoch_finished",
        y=y,
        labels="subject",
        scale=scale,
        plotly={
            "type": "scatter",
            "mode": "lines+markers",
            "name": name,
            "line": {"color": color, "dash": dash, "width": 2},
            "marker": {"size": 6, "symbol": "circle" if dash == "solid" else "diamond"},
        },
    )


_SEARCHING: tuple[LiveChart, ...] = (
    LiveChart(
        id="live-reward",
        title="Reward by episode",
        description="Each mark is one policy scored; the lines are each strategy's best so far. "
        "Zero is the float network's accuracy. Marks far below the best are in the table alone.",
        stages=("searching",),
        layout=layout(
            height=320,
            xaxis=axis("Episode", rangemode="tozero", tickformat="d"),
            yaxis=axis("Reward"),
        ),
        traces=(
            *_by_strategy("reward", with_best=True),
            *_by_strategy("best_reward", lines=True, with_best=True),
        ),
        columns=("Strategy", "Episode", "Reward"),
        depth=1.2,
    ),
    LiveChart(
        id="live-accuracy",
        title="Accuracy by episode",
        description="Accuracy on the search images before any fine-tuning. Marks far below the "
        "best are in the table alone.",
        stages=("searching",),
        layout=layout(
            height=320,
            xaxis=axis("Episode", rangemode="tozero", tickformat="d"),
            yaxis=axis("Accuracy (%)"),
        ),
        traces=_by_strategy("accuracy", scale=100.0),
        columns=("Strategy", "Episode", "Accuracy (%)"),
        depth=12.0,
    ),
)
_TRAINING: tuple[LiveChart, ...] = (
    LiveChart(
        id="live-training-loss",
        title="Training loss by epoch",
        description="Of the float network if it is trained first, then of each fine-tuned policy.",
        stages=("training", "finetuning"),
        layout=layout(
            height=280,
            xaxis=axis("Epoch, in order of arrival", tickformat="d", rangemode="tozero"),
            yaxis=axis("Loss (nats)", rangemode="tozero"),
        ),
        traces=(_epochs("train_loss", "Training images", color="var(--series-blue)"),),
        columns=("Network and images", "Epoch", "Loss (nats)"),
    ),
    LiveChart(
        id="live-training-accuracy",
        title="Accuracy by epoch",
        description="Training images run ahead of search images, which no weight has seen.",
        stages=("training", "finetuning"),
        layout=layout(
            height=280,
            xaxis=axis("Epoch, in order of arrival", tickformat="d", rangemode="tozero"),
            yaxis=axis("Accuracy (%)"),
        ),
        traces=(
            _epochs("train_accuracy", "Training images", color="var(--series-blue)", scale=100.0),
            _epochs(
                "search_accuracy",
                "Search images",
                color="var(--series-orange)",
                dash="dash",
                scale=100.0,
            ),
        ),
        columns=("Network and images", "Epoch", "Accuracy (%)"),
    ),
)


def quantize_charts(
    measure: SensitivityMeasure = "divergence", *, weights_alone: bool = False
) -> tuple[LiveChart, ...]:
    """Return the charts of a run that ranks layers by a measure; with codebooks, of weights."""
    return (
        *_SEARCHING,
        policy_chart(weights_alone=weights_alone),
        sensitivity_chart(measure, weights_alone=weights_alone),
        *_TRAINING,
    )
