"""Rows out of a file, collected one by one: the second of a shape and a bad time are refused."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from engine.cost.block_rows import BlockKey
from engine.cost.lookup_table import LayerShape, layer_shape, row_key
from engine.schema.cost_table import (
    MOST_ROWS,
    BlockRow,
    CostTable,
    GridRow,
    KernelPrecision,
    LayerRow,
    Timing,
)
from engine.schema.errors import InvalidTable

TimeUnit = Literal["s", "ms", "us", "ns", "cycles"]
Shape = BlockKey | LayerShape
_LARGEST_SIZE, _LARGEST_CHANNELS, _LARGEST_KERNEL = 8192, 65_536, 31


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedRows:
    """What a file holds."""

    blocks: tuple[BlockRow, ...] = ()
    layers: tuple[LayerRow, ...] = ()
    grids: tuple[GridRow, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class RowCollector:
    """Takes rows of one precision each and joins those of a shape."""

    _times: dict[Shape, dict[KernelPrecision, Timing]] = field(default_factory=dict)
    _origins: dict[tuple[Shape, KernelPrecision], str] = field(default_factory=dict)

    def add(self, shape: Shape, precision: KernelPrecision, timing: Timing, *, row: str) -> None:
        """Take one row in.

        Raises:
            InvalidTable: its shape cannot be, stands there already, or is one too many.
        """
        check_shape(shape, row=row)
        before = self._origins.get((shape, precision))
        if before is not None:
            raise InvalidTable(f"the same shape at {precision} as in {before}", row=row)
        if len(self._times) >= MOST_ROWS and shape not in self._times:
            raise InvalidTable(f"a table has at most {MOST_ROWS:,} shapes", row=row)
        self._origins[shape, precision] = row
        self._times.setdefault(shape, {})[precision] = timing

    def rows(self) -> tuple[tuple[BlockRow, ...], tuple[LayerRow, ...]]:
        """Return the rows of blocks and those of layers.

        Raises:
            InvalidTable: there are none, or one lacks a precision that others have.
        """
        if not self._times:
            raise InvalidTable("has no rows")
        precisions = {one for times in self._times.values() for one in times}
        for shape, times in self._times.items():
            for missing in sorted(precisions - set(times)):
                row = self._origins[shape, next(iter(times))]
                raise InvalidTable(
                    f"has no time at {missing}, which other rows have; give every shape the "
                    "same precisions",
                    row=row,
                )
        blocks = tuple(
            BlockRow(**shape._asdict(), times=times)
            for shape, times in self._times.items()
            if isinstance(shape, BlockKey)
        )
        layers = tuple(
            LayerRow(**shape._asdict(), times=times)
            for shape, times in self._times.items()
            if isinstance(shape, LayerShape)
        )
        return blocks, layers


def checked_ms(value: float, *, row: str) -> float:
    """Return a time that is a number above 0.

    Raises:
        InvalidTable: it is not.
    """
    if math.isnan(value):
        raise InvalidTable("the time is not a number (NaN)", row=row)
    if not (math.isfinite(value) and value > 0):
        raise InvalidTable(f"a time must be above 0 and finite, got {value:g}", row=row)
    return value


def check_shape(shape: Shape, *, row: str) -> None:
    """Check that a layer or block can have these sizes.

    Raises:
        InvalidTable: it cannot.
    """
    limits = {
        "input_size": _LARGEST_SIZE,
        "output_size": _LARGEST_SIZE,
        "in_channels": _LARGEST_CHANNELS,
        "out_channels": _LARGEST_CHANNELS,
        "kernel_size": _LARGEST_KERNEL,
        "stride": _LARGEST_KERNEL,
    }
    for name, most in limits.items():
        value = getattr(shape, name)
        if not 1 <= value <= most:
            raise InvalidTable(f"{name} must lie in 1 .. {most}, got {value}", row=row)
    smallest = (shape.input_size - shape.kernel_size) // shape.stride + 1
    if not smallest <= shape.output_size <= -(-shape.input_size // shape.stride) + 1:
        raise InvalidTable(
            f"a map of {shape.input_size} px does not become {shape.output_size} px at stride "
            f"{shape.stride}",
            row=row,
        )


def check_rows(table: CostTable) -> None:
    """Check that a document has possible shapes, each once.

    Raises:
        InvalidTable: naming the row.
    """
    seen: dict[tuple[str, Shape], str] = {}
    for place, name, shape in _places(table):
        check_shape(shape, row=place)
        if (name, shape) in seen:
            raise InvalidTable(f"the same shape as in {seen[name, shape]}", row=place)
        seen[name, shape] = place


def _places(table: CostTable) -> Iterator[tuple[str, str, Shape]]:
    """Yield each row's place, the layer that it names if it names one, and its shape."""
    for index, block in enumerate(table.blocks):
        yield f"blocks[{index}]", "", row_key(block)
    for index, layer in enumerate(table.layers):
        yield f"layers[{index}]", "", layer_shape(layer)
    for index, grid in enumerate(table.grids):
        yield f"grids[{index}]", grid.layer, layer_shape(grid)
