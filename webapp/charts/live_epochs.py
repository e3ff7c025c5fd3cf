"""The live charts of a ProxylessNAS search's epochs: of the supernet, then of each network."""

from math import ceil

from webapp.charts.chart import FigureJson, axis, layout
from webapp.charts.live_chart import LiveChart, LiveTrace
from webapp.charts.live_search import line

_SUPERNET = ("training", "searching")  # the stages whose epochs are the supernet's
_MOST_TICKS = 10
_ON_TRAINING = line("Training images", "var(--series-blue)", marks=True)
_ON_SEARCH = line("Search images", "var(--series-orange)", dash="dash", marks=True)


def supernet_charts(epochs: int) -> tuple[LiveChart, LiveChart]:
    """Return loss and accuracy over the epochs of warm-up and search."""
    return (
        LiveChart(
            id="live-supernet-loss",
            title="Loss of the supernet",
            description="It draws a path for each batch: first in the warm-up, then in turn with "
            "the choices.",
            stages=_SUPERNET,
            layout=_layout(epochs, axis("Loss (nats)", rangemode="tozero")),
            traces=(_epochs("train_loss", _ON_TRAINING),),
            columns=("Series", "Epoch", "Loss (nats)"),
        ),
        LiveChart(
            id="live-supernet-accuracy",
            title="Accuracy of the supernet",
            description="Of one drawn path. Training images may run ahead of search images, which "
            "no weight has seen.",
            stages=_SUPERNET,
            layout=_layout(epochs, axis("Accuracy (%)")),
            traces=(
                _epochs("train_accuracy", _ON_TRAINING, scale=100.0),
                _epochs("search_accuracy", _ON_SEARCH, scale=100.0),
            ),
            columns=("Series", "Epoch", "Accuracy (%)"),
        ),
    )


def network_charts(epochs: int, random_networks: int) -> tuple[LiveChart, LiveChart]:
    """Return loss and accuracy of the networks that are trained at the end, each by its epochs."""
    words = "The found network and its baselines, one after another, by the same recipe."
    return (
        LiveChart(
            id="live-network-loss",
            title="Loss of the trained networks",
            description=words,
            stages=("finetuning",),
            layout=_layout(epochs, axis("Loss (nats)", rangemode="tozero")),
            traces=_by_network("train_loss", random_networks),
            columns=("Network", "Epoch", "Loss (nats)"),
        ),
        LiveChart(
            id="live-network-accuracy",
            title="Accuracy of the trained networks",
            description=f"{words} On the search images.",
            stages=("finetuning",),
            layout=_layout(epochs, axis("Accuracy (%)")),
            traces=_by_network("search_accuracy", random_networks, scale=100.0),
            columns=("Network", "Epoch", "Accuracy (%)"),
        ),
    )


def _layout(epochs: int, y_axis: FigureJson) -> FigureJson:
    # Where epochs are few, Plotly would write each number twice.
    ticks = {"tick0": 0, "dtick": max(1, ceil(epochs / _MOST_TICKS))}
    x_axis = axis("Epoch", tickformat="d", rangemode="tozero", **ticks)
    return layout(height=280, xaxis=x_axis, yaxis=y_axis)


def _epochs(y: str, look: FigureJson, *, scale: float = 1.0) -> LiveTrace:
    return LiveTrace(
        event="epoch_finished",
        y=y,
        where={"stage": _SUPERNET},
        scale=scale,
        plotly=look,
    )


def _by_network(y: str, random_networks: int, *, scale: float = 1.0) -> tuple[LiveTrace, ...]:
    looks: dict[tuple[str, ...], FigureJson] = {
        ("found",): line("Found network", "var(--series-blue)", marks=True),
        ("mobilenet_v2",): line("MobileNetV2", "var(--series-orange)", dash="dash", marks=True),
        # One mark for each epoch of each of them: a line would join one to the next.
        tuple(f"random-{number}" for number in range(1, random_networks + 1)): {
            **line("Random networks", "var(--series-grey)", marks=True),
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
