"""Bit policies: how many bits each layer's weights and input activations get."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from engine.schema.errors import InvalidConfig

MAX_BITS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerBits:
    """Widths of one layer, 1 to 8."""

    weight_bits: int
    activation_bits: int  # of the layer's input

    def __post_init__(self) -> None:
        for name in ("weight_bits", "activation_bits"):
            bits = getattr(self, name)
            if not 1 <= bits <= MAX_BITS:
                raise InvalidConfig(name, f"must lie between 1 and {MAX_BITS}, got {bits}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Bits by qualified layer name, in forward order."""

    layers: Mapping[str, LayerBits]
    model_hash: str = ""

    def __getitem__(self, name: str) -> LayerBits:
        return self.layers[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.layers)

    def __len__(self) -> int:
        return len(self.layers)
