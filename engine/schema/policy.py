"""Bit policies: how many bits each layer's weights and input activations get."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from engine.schema.errors import InvalidConfig

MAX_BITS = 8
FLOAT_BITS = 32  # of activations that stay as they are


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerBits:
    """Widths of one layer, 1 to 8; activations that no bits are given for stay float."""

    weight_bits: int
    activation_bits: int = FLOAT_BITS  # of the layer's input

    def __post_init__(self) -> None:
        for name, exempt in (("weight_bits", None), ("activation_bits", FLOAT_BITS)):
            bits = getattr(self, name)
            if not 1 <= bits <= MAX_BITS and bits != exempt:
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

    @property
    def is_weights_only(self) -> bool:
        """Do some activations stay float? Then no device can say what the network takes."""
        return any(bits.activation_bits == FLOAT_BITS for bits in self.layers.values())
