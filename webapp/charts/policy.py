"""Bits per layer: weights above the axis, activations below it, coloured by kind of layer."""

from collections.abc import Sequence

from engine.schema.layers import LayerKind, LayerSpec, ModelSpec
from engine.schema.policy import FLOAT_BITS, MAX_BITS, Policy
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
        figure={
            "data": _traces(numbered, policy),
            "layout": _layout(len(model.layers), weights_alone=policy.is_weights_only),
        },
        table=_table(numbered, policy),
        height=_HEIGHT,
    )


def bits_text(bits: int) -> str:
    """Return a width as pages write it: an operand without bits is float."""
    return "float" if bits == FLOAT_BITS else str(bits)


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
            traces.append(_bars(kind, own, policy, up=True))
        if own and not policy.is_weights_only:
            traces.append(_bars(kind, own, policy, up=False))
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


def _layout(layers: int, *, weights_alone: bool) -> FigureJson:
    edge = MAX_BITS + 1.4
    ticks = [0, 4, 8] if weights_alone else [-8, -4, 0, 4, 8]
    return layout(
        height=_HEIGHT,
        barmode="overlay",
        bargap=0.18,
        xaxis=axis(
            "Layer, in forward order", range=[0.3, layers + 0.7], tickformat="d", showgrid=False
        ),
        yaxis=axis(
            "bits of the weights" if weights_alone else "activations · bits · weights",
            range=[0 if weights_alone else -edge, edge],
            tickvals=ticks,
            ticktext=[str(abs(tick)) for tick in ticks],
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
                bits_text(policy[layer.name].weight_bits),
                bits_text(policy[layer.name].activation_bits),
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
    inputs = f", the mean multiplication an activation of {by_mac:.1f} bits"
    if policy.is_weights_only:
        inputs = "; activations stay float"
    return (
        f"{len(layers)} layers. The mean weight has {by_weight:.1f} bits{inputs}. "
        "The narrowest weights, "
        f"{policy[narrowest.name].weight_bits} bits, are in {narrowest.name}."
    )
