"""How the operations of a search space are named and drawn: one look for each kind of them."""

from dataclasses import dataclass

from engine.schema.architecture import BlockSpec, OpSpec, SearchSpace
from webapp.charts.palette import Mark

SKIP_HEIGHT = 0.4  # a skipped block is a low bar, not a gap

_EXPANSIONS = {
    1: Mark(title="expansion 1", color="var(--series-grey)", pattern="."),
    3: Mark(title="expansion 3", color="var(--series-orange)", pattern="/"),
    6: Mark(title="expansion 6", color="var(--series-blue)"),
}
_OTHER_EXPANSION = Mark(title="other expansion", color="var(--series-purple)", pattern="x")
_KINDS = {
    "zero": Mark(title="block skipped", color="var(--series-grey)", pattern="-"),
    "identity": Mark(title="identity", color="var(--series-grey)", pattern="."),
    "sepconv": Mark(title="separable convolution", color="var(--series-blue)"),
    "avgpool": Mark(title="average pooling", color="var(--series-orange)", pattern="/"),
    "maxpool": Mark(title="maximum pooling", color="var(--series-green)", pattern="x"),
}
OPERATION_MARKS: tuple[Mark, ...] = (
    *(_EXPANSIONS[expansion] for expansion in (6, 3, 1)),
    _OTHER_EXPANSION,
    *(_KINDS[kind] for kind in ("sepconv", "avgpool", "maxpool", "identity", "zero")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One operation that a decision may take, as charts show it."""

    label: str  # "5×5, ×6", "skip"
    group: str  # the title of its mark
    height: float  # of its bar: the kernel's side


def option(op: OpSpec) -> Option:
    """Return how an operation is shown."""
    return Option(
        label=operation_label(op),
        group=operation_mark(op).title,
        height=SKIP_HEIGHT if op.kind in ("zero", "identity") else float(op.kernel_size),
    )


def operation_mark(op: OpSpec) -> Mark:
    """Return the look of an operation: of an inverted bottleneck, that of its expansion."""
    if op.kind == "mbconv":
        return _EXPANSIONS.get(op.expansion, _OTHER_EXPANSION)
    return _KINDS[op.kind]


def operation_label(op: OpSpec) -> str:
    """Return an operation in few signs: the kernel, and what else tells it from its neighbours."""
    kernel = f"{op.kernel_size}×{op.kernel_size}"
    dilation = "" if op.dilation == 1 else f", dilated {op.dilation}"
    return {
        "mbconv": f"{kernel}, ×{op.expansion}",
        "zero": "skip",
        "identity": "identity",
        "sepconv": f"separable {kernel}{dilation}",
        "avgpool": f"mean {kernel}",
        "maxpool": f"max {kernel}",
    }[op.kind]


def decision_names(space: SearchSpace) -> tuple[str, ...]:
    """Return a name for each decision: "block 4", or "block 4, edge 7" of a tree cell."""
    return tuple(
        f"block {number}" if block.decisions == 1 else f"block {number}, edge {edge}"
        for number, block in enumerate(space.blocks, 1)
        for edge in range(1, block.decisions + 1)
    )


def decision_options(space: SearchSpace) -> tuple[tuple[Option, ...], ...]:
    """Return what each decision may take, in the order in which results name it."""
    return tuple(tuple(option(op) for op in block.ops) for block in space.decisions)


def shape_text(block: BlockSpec) -> str:
    """Return a block's channels and map: "24 → 40, 16 px to 8 px"."""
    size = f"{block.input_size} px"
    if block.output_size != block.input_size:
        size += f" to {block.output_size} px"
    return f"{block.in_channels} → {block.out_channels}, {size}"
