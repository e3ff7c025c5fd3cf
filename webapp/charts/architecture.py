"""An architecture drawn: a bar for each block, as high as its kernel, its look its expansion."""

from collections import Counter
from collections.abc import Sequence

from engine.schema.architecture import Architecture, BlockSpec, OpSpec
from webapp.charts.chart import Chart, FigureJson, Table, axis, layout, listed
from webapp.charts.operations import (
    OPERATION_MARKS,
    decision_names,
    operation_label,
    operation_mark,
    option,
    shape_text,
)
from webapp.charts.palette import Mark

_HEIGHT = 300
_HIGHEST_KERNEL = 7
_FEW_BLOCKS = 8  # whose words fit across a bar, on a phone too


def architecture_chart(
    architecture: Architecture,
    *,
    probabilities: Sequence[Sequence[float]] = (),
    title: str = "The network, block by block",
) -> Chart:
    """Draw an architecture over its blocks; `probabilities`, by decision, go into the table."""
    is_tree = architecture.space.form == "tree"
    return Chart(
        id="architecture",
        title=title,
        summary=_summary(architecture),
        figure=_tree_figure(architecture) if is_tree else _figure(architecture),
        table=_table(architecture, probabilities),
        height=_HEIGHT,
    )


def strip_layout(blocks: int) -> FigureJson:
    """Return the layout of a strip of blocks, the same live and in a result."""
    return layout(
        height=_HEIGHT,
        barmode="overlay",
        bargap=0.14,
        xaxis=axis(
            "Block, from the image to the classifier",
            range=[0.4, blocks + 0.6],
            tickformat="d",
            dtick=1 if blocks <= 24 else 5,
            tick0=1,
            showgrid=False,
        ),
        yaxis=axis(
            "Kernel",
            range=[0, _HIGHEST_KERNEL + 0.6],
            tickvals=[3, 5, 7],
            ticktext=["3×3", "5×5", "7×7"],
        ),
    )


def bar_look(mark: Mark, blocks: int) -> FigureJson:
    """Return Plotly's words for the bars of one look; words turn where bars are many."""
    return {
        "type": "bar",
        "name": mark.title,
        "textposition": "inside",
        "insidetextanchor": "middle",
        "textangle": 0 if blocks <= _FEW_BLOCKS else -90,
        "insidetextfont": {"size": 11, "color": "var(--surface)"},
        "cliponaxis": False,
        "width": 0.86,
        "marker": {
            "color": mark.color,
            "line": {"color": "var(--surface)", "width": 1},
            "pattern": {
                "shape": mark.pattern,
                "fgcolor": "var(--surface)",
                "fillmode": "overlay",
                "size": 7,
                "solidity": 0.14,
            },
        },
    }


def _figure(architecture: Architecture) -> FigureJson:
    numbered = list(enumerate(architecture.ops, 1))
    return {
        "data": [
            _bars(mark, own, len(numbered))
            for mark in OPERATION_MARKS
            if (own := [(number, op) for number, op in numbered if operation_mark(op) == mark])
        ],
        "layout": strip_layout(len(numbered)),
    }


def _bars(mark: Mark, own: Sequence[tuple[int, OpSpec]], blocks: int) -> FigureJson:
    return {
        **bar_look(mark, blocks),
        "x": [number for number, _ in own],
        "y": [option(op).height for _, op in own],
        "text": [operation_label(op) for _, op in own],
        "hovertemplate": f"block %{{x}}: %{{text}}<extra>{mark.title}</extra>",
    }


def _tree_figure(architecture: Architecture) -> FigureJson:
    """Stack, for each block, how many of its edges have an operation of each look."""
    counts = [Counter(operation_mark(op).title for op in ops) for ops in architecture.block_ops]
    used = [m for m in OPERATION_MARKS if any(m.title in count for count in counts)]
    traces = [
        {
            **bar_look(mark, len(counts)),
            "x": list(range(1, len(counts) + 1)),
            "y": [count[mark.title] for count in counts],
            "hovertemplate": f"block %{{x}}: %{{y}} edges<extra>{mark.title}</extra>",
        }
        for mark in used
    ]
    edges = architecture.space.blocks[0].decisions
    drawn = strip_layout(len(counts))
    drawn["barmode"] = "stack"
    drawn["yaxis"] = axis("Edges of the cell", range=[0, edges + 0.5], dtick=3)
    return {"data": traces, "layout": drawn}


def _table(architecture: Architecture, probabilities: Sequence[Sequence[float]]) -> Table:
    space = architecture.space
    rows = zip(
        decision_names(space),
        space.decisions,
        architecture.ops,
        architecture.choices,
        probabilities or [()] * len(architecture.choices),
        strict=True,
    )
    return Table(
        columns=("Block", "Operation", "Of how many", "Its probability", "Channels and map"),
        rows=tuple(
            (name, _words(op), str(len(block.ops)), _share(shares, choice), shape_text(block))
            for name, block, op, choice, shares in rows
        ),
    )


def _share(shares: Sequence[float], choice: int) -> str:
    return f"{shares[choice]:.2f}" if shares else "–"


def _words(op: OpSpec) -> str:
    if op.kind == "mbconv":
        return f"inverted bottleneck {op.kernel_size}×{op.kernel_size}, expansion {op.expansion}"
    return "skipped" if op.kind == "zero" else operation_label(op)


def _summary(architecture: Architecture) -> str:
    blocks = architecture.space.blocks
    if architecture.space.form == "tree":
        most = Counter(operation_label(op) for op in architecture.ops).most_common(1)[0]
        return f"{len(blocks)} cells of twelve edges; the most frequent operation is {most[0]}."
    pairs = list(zip(blocks, architecture.ops, strict=True))
    kept = [(block, op) for block, op in pairs if op.kind != "zero"]
    skipped = len(pairs) - len(kept)
    kernels = Counter(op.kernel_size for _, op in kept)
    said = [f"{count} with a {side}×{side} kernel" for side, count in sorted(kernels.items())]
    sentence = f"{len(kept)} of {len(pairs)} blocks are kept: {listed(said)}."
    if skipped:
        sentence += f" {skipped} {'is' if skipped == 1 else 'are'} skipped."
    return sentence + _widest(kept)


def _widest(kept: Sequence[tuple[BlockSpec, OpSpec]]) -> str:
    """Return whether large kernels stand where maps shrink, the trait that people look for."""
    shrinking = [op.kernel_size for block, op in kept if block.stride > 1]
    large = sum(kernel > 3 for kernel in shrinking)
    if not large:
        return ""
    return f" Of the {len(shrinking)} blocks that halve the map, {large} have more than 3×3."
