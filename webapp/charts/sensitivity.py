"""How much loss each layer adds when it alone is quantised: a heat map of layer by width."""

import math
from collections.abc import Sequence

from engine.schema.quantize_config import SensitivityMeasure
from engine.schema.results import LayerSensitivity
from webapp.charts.chart import Chart, FigureJson, Table, axis, layout, listed

_HEIGHT = 380
LOST: dict[SensitivityMeasure, str] = {
    "divergence": "divergence from the float network",
    "loss": "rise of the loss",
    "distance": "distance of the logits",
    "hessian": "loss by its curvature",
}
FLOOR_NATS = 1e-3  # below it, differences are noise of the images
CEILING_NATS = 3.0
HEAT = [
    [0.0, "var(--heat-0)"],
    [0.25, "var(--heat-1)"],
    [0.5, "var(--heat-2)"],
    [0.75, "var(--heat-3)"],
    [1.0, "var(--heat-4)"],
]


def sensitivity_chart(
    sensitivity: Sequence[LayerSensitivity], measure: SensitivityMeasure = "divergence"
) -> Chart:
    """Draw what each layer loses, on a logarithmic colour scale; stronger is worse."""
    weights_alone = not any(row.activation_losses for row in sensitivity)
    sides = (True,) if weights_alone else (True, False)
    return Chart(
        id="sensitivity",
        title=f"Sensitivity: {LOST[measure]} when one layer alone is quantised",
        summary=_summary(sensitivity),
        figure={
            "data": [_heat(sensitivity, unit_of(measure), weights=side) for side in sides],
            "layout": sensitivity_layout(measure, weights_alone=weights_alone),
        },
        table=_table(sensitivity, weights_alone=weights_alone),
        height=_HEIGHT,
    )


def unit_of(measure: SensitivityMeasure) -> str:
    """Return what a measure counts in."""
    return "of the logits" if measure == "distance" else "nats"


def sensitivity_layout(measure: SensitivityMeasure, *, weights_alone: bool = False) -> FigureJson:
    """Return the layout of weights above activations, one shared axis of layers."""
    layers = axis("Layer, in forward order", tickformat="d", showgrid=False)
    colors = color_axis(unit_of(measure))
    if weights_alone:
        bits = axis("weight bits", dtick=1, showgrid=False)
        return layout(height=_HEIGHT, xaxis=layers, yaxis=bits, coloraxis=colors)
    return layout(
        height=_HEIGHT,
        grid={"rows": 2, "columns": 1, "pattern": "coupled"},
        xaxis=layers,
        yaxis=axis("weight bits", domain=[0.54, 1.0], dtick=1, showgrid=False),
        yaxis2=axis("activation bits", domain=[0.0, 0.46], dtick=1, showgrid=False),
        coloraxis=colors,
    )


def color_axis(unit: str) -> FigureJson:
    """Return the shared colour scale: tenfold steps."""
    ticks = [-3, -2, -1, 0]
    return {
        "colorscale": HEAT,
        "cmin": math.log10(FLOOR_NATS),
        "cmax": math.log10(CEILING_NATS),
        "colorbar": {
            "title": {"text": unit, "side": "top"},
            "tickvals": ticks,
            "ticktext": ["≤ 0.001", "0.01", "0.1", "1"],
            "thickness": 12,
            "outlinewidth": 0,
        },
    }


def _heat(sensitivity: Sequence[LayerSensitivity], unit: str, *, weights: bool) -> FigureJson:
    maps = [row.weight_losses if weights else row.activation_losses for row in sensitivity]
    widths = _widths(sensitivity)
    return {
        "type": "heatmap",
        "name": "weights" if weights else "activations",
        "x": list(range(1, len(maps) + 1)),
        "y": widths,
        "z": [
            [_log(losses[str(width)]) if str(width) in losses else None for losses in maps]
            for width in widths
        ],
        "customdata": [[losses.get(str(width)) for losses in maps] for width in widths],
        "text": [[row.layer for row in sensitivity] for _ in widths],
        "hovertemplate": (
            f"%{{text}}<br>%{{y}} bits: %{{customdata:.4f}} {unit}<extra>%{{fullData.name}}</extra>"
        ),
        "yaxis": "y" if weights else "y2",
        "coloraxis": "coloraxis",
        "xgap": 1,
        "ygap": 1,
    }


def _widths(sensitivity: Sequence[LayerSensitivity]) -> list[int]:
    found = {
        int(width)
        for row in sensitivity
        for losses in (row.weight_losses, row.activation_losses)
        for width in losses
    }
    return sorted(found)


def _log(loss: float) -> float:
    return round(math.log10(max(loss, FLOOR_NATS)), 3)


def _table(sensitivity: Sequence[LayerSensitivity], *, weights_alone: bool) -> Table:
    widths = _widths(sensitivity)
    inputs = [] if weights_alone else widths
    return Table(
        columns=("Layer", *(f"W{width}" for width in widths), *(f"A{width}" for width in inputs)),
        rows=tuple(
            (
                row.layer,
                *(_cell(row.weight_losses.get(str(width))) for width in widths),
                *(_cell(row.activation_losses.get(str(width))) for width in inputs),
            )
            for row in sensitivity
        ),
    )


def _cell(loss: float | None) -> str:
    return "–" if loss is None else f"{loss:.3f}".replace("-", "\u2212")


def _summary(sensitivity: Sequence[LayerSensitivity]) -> str:
    widths = _widths(sensitivity)
    if not widths:
        return "No layer was measured."
    lowest = str(widths[0])
    ranked = sorted(sensitivity, key=lambda row: row.weight_losses.get(lowest, 0.0), reverse=True)
    worst = [row.layer for row in ranked[:3]]
    return f"At {lowest}-bit weights the most sensitive layers are {listed(worst)}."
