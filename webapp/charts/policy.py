"""Bits per layer: weights above the axis, activations below it, coloured by kind of layer."""

from collections.abc import Sequence

from engine.schema.layers import LayerKind, LayerSpec, ModelSpec
from engine.schema.policy import MAX_BITS, Policy
from webapp.charts.chart import Chart, FigureJson, Table, axis, layout
from webapp.charts.palette import KINDS, MUTED

_HEIGHT = 340


def bits_chart(model: ModelSpec, policy: Policy, *, title: str = "Bits per layer") -> Chart:
    """Draw a policy over its network; layers the policy does not name are left out."""
    numbered = [
        (number, layer) for number, layer in enumerate(model.layers, 1) if layer.name in policy
    ]
    return Chart(
        id="bits",
        title=title,
        summary=_summary([layer for _, layer in numbered], policy),
        figure={"data": _traces(numbered, policy), "layout": _layout(len(model.layers))},
        table=_table(numbered, policy),
        height=_HEIGHT,
    )


def mean_bits(layers: Sequence[LayerSpec], policy: Policy) -> tuple[float, float]:
    """Return mean widths as the hardware feels them: weights by weight, activations by MAC."""
    weights = sum(layer.weights for layer in layers)
    macs = sum(layer.macs for layer in layers)
    by_weight = sum(policy[layer.name].weight_bits * layer.weights for layer in layers)
    by_mac = sum(policy[layer.name].activation_bits * layer.macs for layer in layers)
    return by_weight / max(weights, 1), by_mac / max(macs, 1)


def _traces(numbered: Sequence[tuple[int, LayerSpec]], policy: Policy) -> list[FigureJson]:
    traces = []
    for kind in KINDS:
        own = [(number, layer) for number, layer in numbered if layer.kind == kind]
        if own:
            traces += [_bars(kind, own, policy, up=True), _bars(kind, own, policy, up=False)]
    return traces


def _bars(
    kind: LayerKind, own: Sequence[tuple[int, LayerSpec]], policy: Policy, *, up: bool
) -> FigureJson:
    mark = KINDS[kind]
    side = "weights" if up else "activations"
    bits = [
        policy[layer.name].weight_bits if up else policy[layer.name].activation_bits
        for _, layer in own
    ]
    return {
        "type": "bar",
        "name": mark.title,
        "legendgroup": kind,
        "showlegend": up,
        "x": [number for number, _ in own],
        "y": bits if up else [-width for width in bits],
        "text": [str(width) for width in bits],
        "textposition": "outside",
        "textfont": {"size": 10, "color": MUTED},
        "cliponaxis": False,
        "width": 0.82,  # each kind is its own trace: by itself it would fill its gaps
        "hovertext": [layer.name for _, layer in own],
        "hovertemplate": f"%{{hovertext}}<br>%{{text}} bits, {side}<extra>{mark.title}</extra>",
        "marker": {
            "color": mark.color,
            "opacity": 1.0 if up else 0.72,
            "line": {"color": "var(--surface)", "width": 1},
            "pattern": {
                "shape": mark.pattern,
                "fgcolor": "var(--surface)",
                "fillmode": "overlay",
                "size": 6,
                "solidity": 0.25,
            },
        },
    }


def _layout(layers: int) -> FigureJson:
    edge = MAX_BITS + 1.4
    return layout(
        height=_HEIGHT,
        barmode="overlay",
        bargap=0.18,
        xaxis=axis(
            "Layer, in forward order", range=[0.3, layers + 0.7], tickformat="d", showgrid=False
        ),
        yaxis=axis(
            "activations · bits · weights",
            range=[-edge, edge],
            tickvals=[-8, -4, 0, 4, 8],
            ticktext=["8", "4", "0", "4", "8"],
            zeroline=True,
            zerolinecolor="var(--line)",
        ),
    )


def _table(numbered: Sequence[tuple[int, LayerSpec]], policy: Policy) -> Table:
    return Table(
        columns=("Layer", "No.", "Kind", "Shape", "Weight bits", "Activation bits", "Weights"),
        rows=tuple(
            (
                layer.name,
                str(number),
                KINDS[layer.kind].title,
                _shape(layer),
                str(policy[layer.name].weight_bits),
                str(policy[layer.name].activation_bits),
                f"{layer.weights:,}",
            )
            for number, layer in numbered
        ),
    )


def _shape(layer: LayerSpec) -> str:
    if layer.kind == "linear":
        return f"{layer.in_channels} → {layer.out_channels}"
    kernel = f"{layer.kernel_size}×{layer.kernel_size}"
    return f"{kernel}, {layer.in_channels} → {layer.out_channels}"


def _summary(layers: Sequence[LayerSpec], policy: Policy) -> str:
    if not layers:
        return "No layer of this network has bits."
    by_weight, by_mac = mean_bits(layers, policy)
    narrowest = min(layers, key=lambda layer: policy[layer.name].weight_bits)
    return (
        f"{len(layers)} layers. The mean weight has {by_weight:.1f} bits, the mean "
        f"multiplication an activation of {by_mac:.1f} bits. The narrowest weights, "
        f"{policy[narrowest.name].weight_bits} bits, are in {narrowest.name}."
    )
