"""Layers whose weights are places in a codebook; their inputs stay float.

Shapes: K centroids; a weight has the shape of its layer's.
"""

from typing import Any, cast

import torch
from torch import Tensor, nn

from engine.nn.quantized import QuantizedLayer, apply_inner
from engine.schema.policy import FLOAT_BITS, LayerBits


class CodebookLayer(QuantizedLayer):
    """Stands in for a layer and computes with shared weights; without bits it is float.

    Fine-tuning moves the centroids, each by the mean of its weights' gradients: that is what
    HAQ's projection after every step amounts to (Wang et al. 2019, their code). The labels stay.
    """

    labels: Tensor  # uint8, the weight's shape

    def __init__(self, inner: nn.Conv2d | nn.Linear, *, input_signed: bool) -> None:
        super().__init__(inner, input_signed=input_signed)
        self.centroids = nn.Parameter(inner.weight.new_zeros(1))
        self.register_buffer("labels", torch.zeros_like(inner.weight, dtype=torch.uint8))
        self._shared: tuple[tuple[int, int], Tensor, Tensor | None] | None = None

    def set_codebook(self, bits: int, centroids_K: Tensor, labels: Tensor) -> None:
        """Share weights from now on."""
        self.centroids = nn.Parameter(centroids_K.to(self.inner.weight))
        self.labels = labels.to(self.inner.weight.device)
        self.bits = LayerBits(weight_bits=bits, activation_bits=FLOAT_BITS)
        self._shared = None

    def set_float(self) -> None:
        """Share nothing from now on."""
        super().set_float()
        self._shared = None

    def fold(self, multiplier_C: Tensor, offset_C: Tensor) -> None:
        """Take over an affine map of the output channels; the weights are shared before it."""
        super().fold(multiplier_C, offset_C)
        self._shared = None

    def shared_weight(self) -> Tensor:
        """Return the weights as the codebook has them."""
        weight = self.centroids.detach()[self.labels.long()]
        return weight.contiguous(memory_format=_layout(self.inner.weight))

    def forward(self, x: Tensor) -> Tensor:
        """Return the layer's output; in eval mode it carries no gradient to the weights."""
        if self.training:
            weight = self.inner.weight
            if self.bits is not None:
                weight = cast(Tensor, _Share.apply(self.centroids, self.labels, weight))
            return apply_inner(self.inner, x, weight, self.inner.bias)
        return apply_inner(self.inner, x, *self._evaluated())

    def _evaluated(self) -> tuple[Tensor, Tensor | None]:
        # The versions count in-place changes, so a step or a load is never answered from before.
        versions = (self.inner.weight._version, self.centroids._version)
        if self._shared is None or self._shared[0] != versions:
            with torch.no_grad():
                self._shared = (versions, *self._merged())
        return self._shared[1], self._shared[2]

    def _merged(self) -> tuple[Tensor, Tensor | None]:
        """Return the weights times the folded factor, and the bias to go with them."""
        weight = self.inner.weight if self.bits is None else self.shared_weight()
        bias = self.inner.bias
        if self._multiplier_C is None or self._offset_C is None:
            return weight, bias
        shape = [-1] + [1] * (weight.dim() - 1)
        shift = self._offset_C if bias is None else bias * self._multiplier_C + self._offset_C
        return weight * self._multiplier_C.view(shape), shift


class _Share(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, centroids_K: Tensor, labels: Tensor, like: Tensor) -> Tensor:
        ctx.save_for_backward(labels)
        ctx.count = len(centroids_K)
        return centroids_K[labels.long()].contiguous(memory_format=_layout(like))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        (labels,) = ctx.saved_tensors
        places = labels.flatten().long()
        sums_K = grad.new_zeros(ctx.count).index_add_(0, places, grad.flatten())
        counts_K = torch.bincount(places, minlength=ctx.count).clamp_min(1)
        return sums_K / counts_K, None, None


def _layout(weight: Tensor) -> torch.memory_format:
    is_last = weight.dim() == 4 and weight.is_contiguous(memory_format=torch.channels_last)
    return torch.channels_last if is_last else torch.contiguous_format
