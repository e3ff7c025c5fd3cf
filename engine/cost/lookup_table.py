"""Latency looked up in a table of measured blocks and layers, or of layers at every width.

A block's time is shared among its layers so that they add up to it: how a block splits into layers
was not measured. A layer that no row stands for is an error that names it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import fsum
from typing import NamedTuple

import numpy as np

from engine.cost.block_rows import BlockKey, block_key
from engine.cost.model import LayerTable
from engine.schema.cost_table import BlockRow, CostTable, GridRow, KernelPrecision, LayerRow, Timing
from engine.schema.errors import InvalidConfig
from engine.schema.layers import LayerKind, LayerSpec
from engine.schema.policy import MAX_BITS
from engine.schema.target import Target

# Of a block's time, an activation takes about as much as this many multiply-accumulates.
_MACS_PER_ACTIVATION = 32


class LayerShape(NamedTuple):
    """What a row knows a layer by."""

    kind: LayerKind
    kernel_size: int
    stride: int
    groups: int
    dilation: int
    input_size: int
    in_channels: int
    output_size: int
    out_channels: int


class Stretch(NamedTuple):
    """Neighbouring layers and the times of the row that stands for them; None: no row does."""

    layers: Sequence[LayerSpec]
    times: Mapping[KernelPrecision, Timing] | None


def layer_shape(layer: LayerSpec | LayerRow | GridRow) -> LayerShape:
    """Return what a row knows a layer by."""
    # A depthwise layer has as many groups as channels: rows need not say so.
    groups = layer.groups if layer.kind == "grouped" else 1
    return LayerShape(
        kind=layer.kind,
        kernel_size=layer.kernel_size,
        stride=layer.stride,
        groups=groups,
        dilation=layer.dilation,
        input_size=layer.input_size,
        in_channels=layer.in_channels,
        output_size=layer.output_size,
        out_channels=layer.out_channels,
    )


def row_key(row: BlockRow) -> BlockKey:
    """Return the shape that a row of a block stands for."""
    return BlockKey(
        input_size=row.input_size,
        in_channels=row.in_channels,
        output_size=row.output_size,
        out_channels=row.out_channels,
        stride=row.stride,
        kernel_size=row.kernel_size,
        expansion=row.expansion,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MeasuredRows:
    """Times of blocks and layers by shape."""

    target_id: str
    blocks: Mapping[BlockKey, Mapping[KernelPrecision, Timing]]
    layers: Mapping[LayerShape, Mapping[KernelPrecision, Timing]]
    floating: KernelPrecision | None
    integer: KernelPrecision  # what a network with bits runs in

    @classmethod
    def of(cls, table: CostTable, *, target_id: str = "the table") -> "MeasuredRows":
        """Return a table's rows by shape."""
        floats = [one for one in table.precisions if one != "int8"]
        return cls(
            target_id=target_id,
            blocks={row_key(row): row.times for row in table.blocks},
            layers={layer_shape(row): row.times for row in table.layers},
            floating=floats[-1] if floats else None,
            integer="int8" if "int8" in table.precisions else floats[-1],
        )

    def stretches(self, layers: Sequence[LayerSpec]) -> Iterator[Stretch]:
        """Yield a network's layers in order, each with those that share its row."""
        at = 0
        while at < len(layers):
            stretch = self._stretch(layers, at)
            yield stretch
            at += len(stretch.layers)

    def layer_tables(self, layers: Sequence[LayerSpec]) -> Sequence[LayerTable]:
        """Return each layer's share of its row's time.

        Raises:
            InvalidConfig: no row stands for a layer.
        """
        tables = []
        for stretch in self.stretches(layers):
            if stretch.times is None:
                raise no_row(self.target_id, stretch.layers[0])
            float_ms = None if self.floating is None else stretch.times[self.floating].median_ms
            integer_ms = stretch.times[self.integer].median_ms
            tables += [
                _constant(share, float_ms=float_ms, integer_ms=integer_ms)
                for share in _shares(stretch.layers)
            ]
        return tables

    def _stretch(self, layers: Sequence[LayerSpec], at: int) -> Stretch:
        for length in (3, 2):
            block = block_key(layers[at : at + length])
            if block is not None and block in self.blocks:
                return Stretch(layers[at : at + length], self.blocks[block])
        return Stretch(layers[at : at + 1], self.layers.get(layer_shape(layers[at])))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GridRows:
    """Times of a network's layers at every pair of widths, by name and shape."""

    target_id: str
    grids: Mapping[tuple[str, LayerShape], LayerTable]

    @classmethod
    def of(cls, table: CostTable, *, target_id: str = "the table") -> "GridRows":
        """Return a table's grids by layer."""
        return cls(
            target_id=target_id,
            grids={(row.layer, layer_shape(row)): _grid(row) for row in table.grids},
        )

    def layer_tables(self, layers: Sequence[LayerSpec]) -> Sequence[LayerTable]:
        """Return each layer's grid.

        Raises:
            InvalidConfig: no row stands for a layer.
        """
        tables = []
        for layer in layers:
            grid = self.grids.get((layer.name, layer_shape(layer)))
            if grid is None:
                raise no_row(self.target_id, layer)
            tables.append(grid)
        return tables


def lookup_table(target: Target) -> MeasuredRows | GridRows:
    """Return the formula of a target that is a table."""
    table = target.cost_table
    assert table is not None, f"{target.id} has no table"
    rows = GridRows if table.grids else MeasuredRows
    return rows.of(table, target_id=target.id)


def no_row(target_id: str, layer: LayerSpec) -> InvalidConfig:
    """Return the error for a layer that a table does not know."""
    return InvalidConfig(
        "target",
        f"{target_id} has no row for {layer.name} ({describe_shape(layer)}); choose another "
        "target, or profile this network or its space on that device",
    )


def describe_shape(layer: LayerSpec) -> str:
    """Return a layer's shape in the words that a table's rows have."""
    shape = layer_shape(layer)._asdict()
    return LayerRow(**shape, times={}).label


def _shares(layers: Sequence[LayerSpec]) -> list[float]:
    """Return how a row's time is split among its layers; they add up to 1."""
    work = [layer.macs + _MACS_PER_ACTIVATION * layer.activations for layer in layers]
    return [part / fsum(work) for part in work]


def _constant(share: float, *, float_ms: float | None, integer_ms: float) -> LayerTable:
    """Return a table in which every pair of widths runs on the same kernels."""
    latency_ms = np.full((MAX_BITS, MAX_BITS), share * integer_ms)
    latency_ms.setflags(write=False)
    return LayerTable(
        values={"latency_ms": latency_ms},
        float_values={} if float_ms is None else {"latency_ms": share * float_ms},
        bound=None,
    )


def _grid(row: GridRow) -> LayerTable:
    latency_ms = np.array(row.latencies_ms).reshape(MAX_BITS, MAX_BITS)
    latency_ms.setflags(write=False)
    return LayerTable(values={"latency_ms": latency_ms}, bound=None)
