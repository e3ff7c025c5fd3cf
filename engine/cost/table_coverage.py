"""Which blocks of which spaces, and which layers of which models, a table has times for."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from engine.cost.block_rows import block_key
from engine.cost.lookup_table import GridRows, MeasuredRows, describe_shape
from engine.schema.architecture import SearchSpace
from engine.schema.cost_table import BlockRow, CostTable
from engine.schema.errors import InvalidConfig
from engine.schema.layers import LayerSpec, ModelSpec
from engine.schema.lowering import block_layers, shared_layers


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How much of one space or model a table can price."""

    kind: Literal["space", "model"]
    id: str
    covered: int  # distinct shapes
    total: int
    holes: tuple[str, ...]  # shapes in words, each once

    @property
    def is_whole(self) -> bool:
        """Can every network of it be priced?"""
        return not self.holes


def coverage(
    table: CostTable, *, spaces: Iterable[SearchSpace], models: Iterable[ModelSpec]
) -> tuple[Coverage, ...]:
    """Return how much of each space and model a table covers, in the order they are given."""
    return (
        *(space_coverage(table, space) for space in spaces),
        *(model_coverage(table, model) for model in models),
    )


def space_coverage(table: CostTable, space: SearchSpace) -> Coverage:
    """Return how much of a space's operations and frame a table covers."""
    parts = list(unique_parts(space_parts(space)))
    return _coverage(table, "space", space.id, parts)


def model_coverage(table: CostTable, spec: ModelSpec) -> Coverage:
    """Return how much of a model's layers a table covers."""
    return _coverage(table, "model", spec.model, list(unique_parts(model_parts(spec.layers))))


def space_parts(space: SearchSpace) -> Iterator[Sequence[LayerSpec]]:
    """Yield what a space's networks are made of: layers that are timed as one thing each."""
    for layer in shared_layers(space):
        yield (layer,)
    for block in space.blocks:
        for op in block.ops:
            yield from model_parts(block_layers(block, op))


def model_parts(layers: Sequence[LayerSpec]) -> Iterator[Sequence[LayerSpec]]:
    """Yield a network's layers in order: whole inverted bottlenecks together, others alone."""
    at = 0
    while at < len(layers):
        length = next((n for n in (3, 2) if block_key(layers[at : at + n])), 1)
        yield layers[at : at + length]
        at += length


def unique_parts(parts: Iterable[Sequence[LayerSpec]]) -> Iterator[Sequence[LayerSpec]]:
    """Yield each shape once, where it comes first."""
    seen = set()
    for part in parts:
        label = part_label(part)
        if label not in seen:
            seen.add(label)
            yield part


def part_label(part: Sequence[LayerSpec]) -> str:
    """Return a part's shape in words; parts of one label are the same."""
    block = block_key(part)
    if block is not None:
        return BlockRow(**block._asdict(), times={}).label
    (layer,) = part
    return describe_shape(layer)


def _coverage(
    table: CostTable,
    kind: Literal["space", "model"],
    subject_id: str,
    parts: Sequence[Sequence[LayerSpec]],
) -> Coverage:
    rows: MeasuredRows | GridRows = GridRows.of(table) if table.grids else MeasuredRows.of(table)
    holes = tuple(part_label(part) for part in parts if not _is_known(rows, part))
    return Coverage(
        kind=kind,
        id=subject_id,
        covered=len(parts) - len(holes),
        total=len(parts),
        holes=holes,
    )


def _is_known(rows: MeasuredRows | GridRows, part: Sequence[LayerSpec]) -> bool:
    try:
        rows.layer_tables(part)
    except InvalidConfig:
        return False
    return True
