"""Found networks one under the other: the same block in the same column."""

from collections.abc import Sequence
from dataclasses import dataclass

from engine.schema.architecture import Architecture, OpSpec
from engine.schema.results import SearchResult
from webapp.charts.operations import operation_label
from webapp.compare.selection import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockCell:
    """The operation of one block in one run."""

    text: str  # "k5 e6", "–" for a skipped block
    words: str
    kernel: int  # 0: skipped
    differs: bool  # from another run in the same column

    @property
    def look(self) -> str:
        """The cell's class: stronger for a larger kernel, and whether it differs."""
        strength = str(self.kernel) if self.kernel else "none"
        differs = " bit-strip__cell--differs" if self.differs else ""
        return f"bit-strip__cell--{strength}{differs}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchitectureRow:
    """One run's network."""

    letter: str
    name: str
    cells: tuple[BlockCell, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchitectureStrip:
    """The networks found in spaces of the same blocks."""

    title: str
    blocks: tuple[str, ...]  # what each column is: "24, 16 px"
    rows: tuple[ArchitectureRow, ...]
    differing: tuple[bool, ...]

    @property
    def difference_count(self) -> int:
        """In how many blocks any two runs differ."""
        return sum(self.differing)


def architecture_strips(runs: Sequence[Run]) -> list[ArchitectureStrip]:
    """Return a strip per shape of space, its runs in order.

    Tree cells are left out: a cell has twelve edges, too many for a row.
    """
    by_shape: dict[tuple[object, ...], list[tuple[Run, Architecture]]] = {}
    for run in runs:
        architecture = _found(run)
        if architecture is not None:
            space = architecture.space
            shape = (space.id, *((block.out_channels, block.output_size) for block in space.blocks))
            by_shape.setdefault(shape, []).append((run, architecture))
    return [_strip(own) for own in by_shape.values()]


def _found(run: Run) -> Architecture | None:
    result = run.result
    if not isinstance(result, SearchResult) or result.space.form == "tree":
        return None
    choices = result.contender(result.found).choices
    return None if choices is None else Architecture(space=result.space, choices=choices)


def _strip(own: Sequence[tuple[Run, Architecture]]) -> ArchitectureStrip:
    space = own[0][1].space
    columns = list(zip(*(architecture.ops for _, architecture in own), strict=True))
    differing = tuple(len(set(column)) > 1 for column in columns)
    return ArchitectureStrip(
        title=space.title,
        blocks=tuple(f"{block.out_channels}, {block.output_size} px" for block in space.blocks),
        rows=tuple(
            ArchitectureRow(
                letter=run.letter,
                name=run.job.name,
                cells=tuple(
                    _cell(op, differs)
                    for op, differs in zip(architecture.ops, differing, strict=True)
                ),
            )
            for run, architecture in own
        ),
        differing=differing,
    )


def _cell(op: OpSpec, differs: bool) -> BlockCell:
    is_kept = op.kind == "mbconv"
    return BlockCell(
        text=f"k{op.kernel_size} e{op.expansion}" if is_kept else "–",
        words=operation_label(op),
        kernel=min(op.kernel_size, 8) if is_kept else 0,
        differs=differs,
    )
