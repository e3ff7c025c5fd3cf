"""Colours, patterns and symbols: every distinction is made twice, never by colour alone.

Colours are names of CSS variables; the page resolves them, so one figure serves light and dark.
The hues are those of Okabe and Ito 2008, which stay apart for colour-blind readers.
"""

from dataclasses import dataclass

from engine.schema.cost_table import KernelPrecision
from engine.schema.layers import LayerKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """How one series looks."""

    title: str
    color: str
    symbol: str = "circle"
    dash: str = "solid"
    pattern: str = ""


KINDS: dict[LayerKind, Mark] = {
    "conv": Mark(title="convolution", color="var(--series-blue)"),
    "pointwise": Mark(title="pointwise", color="var(--series-orange)", pattern="/"),
    "depthwise": Mark(title="depthwise", color="var(--series-green)", pattern="x"),
    "grouped": Mark(title="grouped", color="var(--series-purple)", pattern="-"),
    "linear": Mark(title="linear", color="var(--series-red)", pattern="."),
}

STRATEGIES: dict[str, Mark] = {
    "solver": Mark(title="Solver", color="var(--series-blue)", symbol="diamond", dash="dot"),
    "greedy": Mark(title="Greedy", color="var(--series-purple)", symbol="square", dash="dashdot"),
    "hill_climb": Mark(
        title="Hill climbing", color="var(--series-green)", symbol="triangle-up", dash="dash"
    ),
    "random": Mark(title="Random", color="var(--series-grey)", symbol="x", dash="longdash"),
    "agent": Mark(title="Agent", color="var(--series-orange)", symbol="circle"),
}

PRECISIONS: dict[KernelPrecision, Mark] = {
    "fp32": Mark(title="fp32", color="var(--series-blue)", symbol="circle"),
    "bf16": Mark(title="bf16", color="var(--series-purple)", symbol="square", dash="dot"),
    "fp16": Mark(title="fp16", color="var(--series-orange)", symbol="triangle-up", dash="dashdot"),
    "int8": Mark(title="int8", color="var(--series-green)", symbol="diamond", dash="dash"),
}

# A device and the one beside it.
DEVICES: tuple[Mark, ...] = (
    Mark(title="this device", color="var(--series-blue)"),
    Mark(
        title="the other",
        color="var(--series-orange)",
        symbol="square",
        dash="dash",
        pattern="/",
    ),
)

RUN_MARKS: tuple[Mark, ...] = (
    Mark(title="A", color="var(--series-blue)", symbol="circle"),
    Mark(title="B", color="var(--series-orange)", symbol="square"),
    Mark(title="C", color="var(--series-green)", symbol="diamond"),
    Mark(title="D", color="var(--series-purple)", symbol="triangle-up"),
    Mark(title="E", color="var(--series-red)", symbol="triangle-down"),
    Mark(title="F", color="var(--series-sky)", symbol="cross"),
    Mark(title="G", color="var(--series-grey)", symbol="star"),
    Mark(title="H", color="var(--text)", symbol="hexagon"),
)

INK = "var(--text)"
MUTED = "var(--text-muted)"
ACCENT = "var(--accent)"


def strategy_mark(origin: str) -> Mark:
    """Return how a strategy is drawn; one not known here is drawn plainly."""
    return STRATEGIES.get(origin, Mark(title=origin.replace("_", " "), color=MUTED))
