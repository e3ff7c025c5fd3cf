"""What a layer's operands are rounded to at each width: linear grids, or codebooks of weights."""

from collections.abc import Mapping
from typing import Protocol

from torch import Tensor

from engine.nn.quantized import QuantizedLayer
from engine.schema.policy import LayerBits, Policy


class LayerGrid(Protocol):
    """One layer's grids of all widths; they depend on the float network alone."""

    def set_bits(self, layer: QuantizedLayer, bits: LayerBits) -> None:
        """Quantise the layer to these widths."""
        ...

    def set_weight_bits(self, layer: QuantizedLayer, bits: int) -> None:
        """Quantise its weights alone."""
        ...

    def set_activation_bits(self, layer: QuantizedLayer, bits: int) -> None:
        """Quantise its input alone."""
        ...

    def rounded_weight(self, weight: Tensor, bits: int) -> Tensor:
        """Return the float weights as they are at a width."""
        ...

    def rounded_input(self, x: Tensor, bits: int) -> Tensor:
        """Return an input as it is at a width."""
        ...


Grids = Mapping[str, LayerGrid]


def set_policy(layers: Mapping[str, QuantizedLayer], policy: Policy, grids: Grids) -> None:
    """Quantise a network to a policy."""
    for name, layer in layers.items():
        if layer.bits != policy[name]:
            grids[name].set_bits(layer, policy[name])
