"""The live charts of a HAQ search that show every layer: its bits so far, and its sensitivity."""

from engine.schema.quantize_config import SensitivityMeasure
from webapp.charts.chart import axis, layout
from webapp.charts.live_chart import LiveChart, LiveTrace
from webapp.charts.sensitivity import FLOOR_NATS, LOST, sensitivity_layout, unit_of


def policy_chart(*, weights_alone: bool = False) -> LiveChart:
    """Return the best policy's bits; where activations stay float, those of the weights."""
    ticks = [0, 4, 8] if weights_alone else [-8, -4, 0, 4, 8]
    weights = _bits(
        "policy.layers.*.weight_bits",
        "Weights",
        color="var(--series-blue)",
        pattern="",
        scale=1.0,
    )
    activations = _bits(
        "policy.layers.*.activation_bits",
        "Activations",
        color="var(--series-orange)",
        pattern="/",
        scale=-1.0,
    )
    return LiveChart(
        id="live-policy",
        title="Best policy so far",
        description="Bits of each layer’s weights; activations stay float."
        if weights_alone
        else "Bits per layer: weights above the axis, activations below it.",
        stages=("searching",),
        wide=True,
        layout=layout(
            height=280,
            barmode="overlay",
            bargap=0.18,
            xaxis=axis("Layer, in forward order", tickformat="d", showgrid=False),
            yaxis=axis(
                "bits",
                range=[0 if weights_alone else -8.6, 8.6],
                tickvals=ticks,
                ticktext=[str(abs(tick)) for tick in ticks],
                zeroline=True,
                zerolinecolor="var(--line)",
            ),
        ),
        traces=(weights,) if weights_alone else (weights, activations),
        columns=("Tensor", "Layer", "Bits"),
    )


def sensitivity_chart(measure: SensitivityMeasure, *, weights_alone: bool = False) -> LiveChart:
    """Return the heat map that grows layer by layer."""
    weights = _losses("weight_losses", "weights", axis_id="y")
    activations = _losses("activation_losses", "activations", axis_id="y2")
    lost = LOST[measure]
    return LiveChart(
        id="live-sensitivity",
        title="Sensitivity of each layer",
        description=f"{lost.capitalize()} when one layer alone is quantised; a stronger colour is "
        "worse.",
        stages=("sensitivity",),
        wide=True,
        layout=sensitivity_layout(measure, weights_alone=weights_alone),
        traces=(weights,) if weights_alone else (weights, activations),
        columns=("Layer and tensor", "Width", f"Loss ({unit_of(measure)})"),
    )


def _bits(y: str, name: str, *, color: str, pattern: str, scale: float) -> LiveTrace:
    return LiveTrace(
        event="candidate_found",
        y=y,
        mode="replace",
        labels="policy.layers",
        scale=scale,
        plotly={
            "type": "bar",
            "name": name,
            "textposition": "none",
            "hovertemplate": "%{text}: %{y}<extra></extra>",
            "marker": {
                "color": color,
                "pattern": {
                    "shape": pattern,
                    "fgcolor": "var(--surface)",
                    "fillmode": "overlay",
                    "solidity": 0.25,
                },
            },
        },
    )


def _losses(y: str, name: str, *, axis_id: str) -> LiveTrace:
    return LiveTrace(
        event="sensitivity_measured",
        x="index",
        y=y,
        mode="columns",
        labels="layer",
        log_floor=FLOOR_NATS,
        plotly={
            "type": "heatmap",
            "name": name,
            "yaxis": axis_id,
            "coloraxis": "coloraxis",
            "xgap": 1,
            "ygap": 1,
        },
    )
