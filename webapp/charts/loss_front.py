"""Loss against cost: what the solver predicts beside what was measured."""

from collections.abc import Sequence
from dataclasses import replace

from engine.schema.cost import Metric
from engine.schema.quantize_config import SensitivityMeasure
from engine.schema.results import Candidate, QuantizeResult
from webapp.charts.chart import Chart, FigureJson, Table
from webapp.charts.front import HEIGHT, front_layout, front_unit, scored_traces
from webapp.charts.palette import ACCENT, strategy_mark
from webapp.charts.quantities import QUANTITIES, Unit

FLOOR_NATS = 1e-4  # a logarithm needs one; below it, differences are noise of the images


def loss_chart(result: QuantizeResult, measure: SensitivityMeasure = "divergence") -> Chart:
    """Draw the solver's predicted front beside what was measured, both above the float network.

    Where layers were ranked by the distance of the logits, a prediction is no loss, and not drawn.
    """
    is_loss = measure != "distance"
    metric = result.front.metric
    unit = front_unit(result, metric)
    float_loss = result.contender("float").search_loss or 0.0
    predicted = [c for c in result.front.points if c.loss is not None and is_loss]
    scored = [
        replace(c, loss=max(c.loss - float_loss, FLOOR_NATS))
        for c in result.candidates
        if c.loss is not None and metric in c.costs
    ]
    line: FigureJson = {
        "type": "scatter",
        "mode": "lines",
        "name": "Solver's prediction",
        "x": [c.costs[metric] / unit.size for c in predicted],
        "y": [max(c.loss or 0.0, FLOOR_NATS) for c in predicted],
        "line": {"color": ACCENT, "width": 2},
        "hovertemplate": f"%{{x:.3f}} {unit.symbol}<br>%{{y:.4f}} nats<extra>predicted</extra>",
    }
    return Chart(
        id="loss-front",
        title="Loss above float: " + ("predicted and measured" if is_loss else "measured"),
        summary=_summary(len(predicted), len(scored)),
        figure={
            "data": [
                *([line] if predicted else []),
                *scored_traces(scored, metric, unit, loss=True),
            ],
            "layout": front_layout(result, unit, y_title="Loss above float (nats)", log=True),
        },
        table=_loss_table(predicted, scored, metric, unit),
        height=HEIGHT,
    )


def _summary(predicted: int, scored: int) -> str:
    if not predicted:
        return (
            f"The marks are {scored} policies measured on the search images. The solver ranked by "
            "the distance of the logits, which predicts no loss."
        )
    return (
        f"The line is the best the solver predicts at each cost, from {predicted} policies, when "
        f"the layers' losses add up; the marks are {scored} policies measured on the search "
        "images. Marks above the line show where the sum falls short."
    )


def _loss_table(
    predicted: Sequence[Candidate], scored: Sequence[Candidate], metric: Metric, unit: Unit
) -> Table:
    return Table(
        columns=("Policy", QUANTITIES[metric].title, "Loss above float (nats)"),
        rows=tuple(
            (
                "Predicted front" if c in predicted else strategy_mark(c.origin).title,
                unit.write(c.costs[metric]),
                f"{c.loss:.4f}",
            )
            for c in (*_thinned(predicted), *scored)
        ),
    )


def _thinned(points: Sequence[Candidate], most: int = 60) -> list[Candidate]:
    step = max(1, len(points) // most)
    return list(points[::step])
