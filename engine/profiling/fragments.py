"""What is timed: a chain of whole blocks and layers, from one part to a whole network."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from engine.cost.block_rows import block_key
from engine.cost.table_coverage import part_label
from engine.schema.layers import LayerSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A whole inverted bottleneck, or one layer."""

    layers: tuple[LayerSpec, ...]

    @property
    def label(self) -> str:
        """Its shape in words; parts of one label take the same time."""
        return part_label(self.layers)

    @property
    def macs(self) -> int:
        """Multiply-accumulates for one image."""
        return sum(layer.macs for layer in self.layers)

    @property
    def is_block(self) -> bool:
        """Is it a whole inverted bottleneck?"""
        return block_key(self.layers) is not None

    @property
    def has_shortcut(self) -> bool:
        """Is its input added to its output? It is in every block that can have it so."""
        key = block_key(self.layers)
        return (
            key is not None
            and key.stride == 1
            and (key.in_channels, key.input_size) == (key.out_channels, key.output_size)
        )

    def has_activation(self, layer: LayerSpec) -> bool:
        """Is there a ReLU6 behind a layer? A block ends without, and so does a classifier."""
        if layer.kind == "linear":
            return False
        return not (self.is_block and layer is self.layers[-1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Fragment:
    """Parts one behind the other."""

    parts: tuple[Part, ...]

    def __post_init__(self) -> None:
        assert is_chain(self.parts), "each part must take what the one before makes"

    @property
    def channels(self) -> int:
        """Of the map that it takes."""
        return self.parts[0].layers[0].in_channels

    @property
    def size(self) -> int:
        """The side of that map."""
        return self.parts[0].layers[0].input_size


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One layer within a fragment, with the sizes that its map has there."""

    part: Part
    layer: LayerSpec
    input_size: int  # of the map that really comes, before padding
    padding: tuple[int, int]  # before and behind, in both directions

    @property
    def closes_part(self) -> bool:
        """Is it its part's last layer?"""
        return self.layer is self.part.layers[-1]

    @property
    def opens_part(self) -> bool:
        """Is it its part's first layer?"""
        return self.layer is self.part.layers[0]


def steps(fragment: Fragment) -> Iterator[Step]:
    """Yield a fragment's layers in order, each with the padding that gives it its output size."""
    size = fragment.size
    for part in fragment.parts:
        for layer in part.layers:
            yield Step(
                part=part, layer=layer, input_size=size, padding=_padding(layer, input_size=size)
            )
            size = layer.output_size


def is_chain(parts: Sequence[Part]) -> bool:
    """Tell whether each part takes what the one before makes."""
    return bool(parts) and all(_follows(one, other) for one, other in pairwise(parts))


def _follows(one: Part, other: Part) -> bool:
    last, first = one.layers[-1], other.layers[0]
    if last.kind == "linear":
        return False
    if last.out_channels != first.in_channels:
        return False
    # A linear layer has its pooling before it; padding of its own shows in a layer's input size.
    return first.kind == "linear" or 0 <= first.input_size - last.output_size < first.kernel_size


def _padding(layer: LayerSpec, *, input_size: int) -> tuple[int, int]:
    reach = layer.dilation * (layer.kernel_size - 1) + 1
    total = max(0, (layer.output_size - 1) * layer.stride + reach - input_size)
    return total // 2, total - total // 2
