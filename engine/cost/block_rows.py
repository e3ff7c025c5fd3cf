"""A table of measured blocks and layers, and which layers of a network its rows are.

A network is a row of layers here; a block is recognised by its shapes: a 1x1 convolution to more
channels, a depthwise one, a 1x1 convolution. At expansion 1 the first is missing.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from engine.schema.layers import LayerKind, LayerSpec

_TABLES = Path(__file__).parent / "tables"


class LayerKey(NamedTuple):
    """The shape of a layer that was measured by itself."""

    kind: LayerKind
    kernel_size: int
    stride: int
    input_size: int
    in_channels: int
    output_size: int
    out_channels: int


class BlockKey(NamedTuple):
    """The shape of an inverted bottleneck."""

    input_size: int
    in_channels: int
    output_size: int
    out_channels: int
    stride: int
    kernel_size: int
    expansion: int


class Match(NamedTuple):
    """Layers that one row of the table stands for."""

    start: int
    stop: int
    ms: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BlockRows:
    """Milliseconds by shape."""

    layers: Mapping[LayerKey, float]
    blocks: Mapping[BlockKey, float]

    def matches(self, layers: Sequence[LayerSpec]) -> list[Match]:
        """Return the rows that a network's layers are, in order; some have none."""
        found = []
        at = 0
        while at < len(layers):
            match = self._match(layers, at)
            if match is not None:
                found.append(match)
            at = at + 1 if match is None else match.stop
        return found

    def _match(self, layers: Sequence[LayerSpec], at: int) -> Match | None:
        for length in (3, 2):
            block = block_key(layers[at : at + length])
            if block is not None and block in self.blocks:
                return Match(at, at + length, self.blocks[block])
        layer = _layer_key(layers[at])
        return Match(at, at + 1, self.layers[layer]) if layer in self.layers else None


@cache
def block_rows(name: str) -> BlockRows:
    """Return a table of this folder by its name."""
    file = json.loads((_TABLES / f"{name}.json").read_text(encoding="utf-8"))
    return BlockRows(
        layers={LayerKey(**_without_ms(row)): row["ms"] for row in file["layers"]},
        blocks={BlockKey(**_without_ms(row)): row["ms"] for row in file["blocks"]},
    )


def _without_ms(row: dict[str, Any]) -> dict[str, Any]:  # Any: JSON's own values
    return {name: value for name, value in row.items() if name != "ms"}


def _layer_key(layer: LayerSpec) -> LayerKey:
    return LayerKey(
        kind=layer.kind,
        kernel_size=layer.kernel_size,
        stride=layer.stride,
        input_size=layer.input_size,
        in_channels=layer.in_channels,
        output_size=layer.output_size,
        out_channels=layer.out_channels,
    )


def block_key(layers: Sequence[LayerSpec]) -> BlockKey | None:
    """Return the shape of the block that layers form; None where they form none."""
    kinds = [layer.kind for layer in layers]
    if kinds not in (["pointwise", "depthwise", "pointwise"], ["depthwise", "pointwise"]):
        return None
    if any(layer.dilation != 1 for layer in layers):
        return None
    if not all(_follows(one, other) for one, other in pairwise(layers)):
        return None
    first, depthwise, last = layers[0], layers[-2], layers[-1]
    expansion, rest = divmod(depthwise.in_channels, first.in_channels)
    if rest or depthwise.out_channels != depthwise.in_channels:
        return None
    return BlockKey(
        input_size=first.input_size,
        in_channels=first.in_channels,
        output_size=last.output_size,
        out_channels=last.out_channels,
        stride=depthwise.stride,
        kernel_size=depthwise.kernel_size,
        expansion=expansion,
    )


def _follows(one: LayerSpec, other: LayerSpec) -> bool:
    """Tell whether one layer's output is the next one's input, as far as shapes tell.

    A network that pads its maps by a step of its own shows the padded size.
    """
    padding = other.input_size - one.output_size
    return one.out_channels == other.in_channels and 0 <= padding < other.kernel_size
