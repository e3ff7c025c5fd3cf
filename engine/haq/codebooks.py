"""The codebooks of every layer and width, computed once from the float weights.

A codebook depends on the layer and the width alone, so one table serves a whole search: the
original clusters every layer anew in each episode.
"""

from collections.abc import Mapping, Sequence

from torch import Tensor

from engine.nn.codebook import SortedWeights, labels_of
from engine.nn.codebook_layer import CodebookLayer
from engine.nn.quantized import QuantizedLayer
from engine.schema.policy import LayerBits


class LayerCodebooks:
    """One layer's codebooks by width; labels are looked up when a width is first asked for."""

    def __init__(self, weight: Tensor, widths: Sequence[int]) -> None:
        ordered = SortedWeights.of(weight)
        self._weight = weight.detach()
        self._centroids = {bits: ordered.centroids(bits).to(weight) for bits in widths}
        self._labels: dict[int, Tensor] = {}

    def centroids(self, bits: int) -> Tensor:
        """Return the centroids of a width, ascending; shape (K,)."""
        return self._centroids[bits]

    def labels(self, bits: int) -> Tensor:
        """Return the places of the weights' centroids; uint8, the weight's shape."""
        if bits not in self._labels:
            self._labels[bits] = labels_of(self._weight, self._centroids[bits])
        return self._labels[bits]

    def set_bits(self, layer: QuantizedLayer, bits: LayerBits) -> None:
        """Share the layer's weights; its input stays float."""
        self.set_weight_bits(layer, bits.weight_bits)

    def set_weight_bits(self, layer: QuantizedLayer, bits: int) -> None:
        """Share the layer's weights."""
        assert isinstance(layer, CodebookLayer)
        layer.set_codebook(bits, self.centroids(bits), self.labels(bits))

    def rounded_weight(self, weight: Tensor, bits: int) -> Tensor:
        """Return the weights as the codebook has them."""
        return self.centroids(bits).to(weight)[self.labels(bits).long()]

    def rounded_input(self, x: Tensor, bits: int) -> Tensor:
        """Refuse: inputs have no codebook."""
        raise NotImplementedError(f"an input of shape {list(x.shape)} cannot be shared at {bits}")

    def set_activation_bits(self, layer: QuantizedLayer, bits: int) -> None:
        """Refuse: inputs have no codebook."""
        raise NotImplementedError(f"{layer}: an input cannot be shared in {bits} bits")


def compute_codebooks(
    layers: Mapping[str, QuantizedLayer], widths: Sequence[int]
) -> dict[str, LayerCodebooks]:
    """Return all codebooks of a float network."""
    return {name: LayerCodebooks(layer.inner.weight, widths) for name, layer in layers.items()}
