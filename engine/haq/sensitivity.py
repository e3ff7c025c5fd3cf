"""The loss that each layer adds when it alone is quantised, operand by operand and width by width.

It is measured as the divergence of the class probabilities from the float network's, in nats per
image: KL(float || quantised). That is what the cross-entropy rises by if the float network's
probabilities are right. It asks for no labels and is never negative, where a difference of two
losses on some hundred images drowns small effects in noise and rewards some of them by chance.

The network is walked segment by segment (engine/nn/segments.py). What stands before a segment is
float and the same for all its layers, so it is computed once; each evaluation runs only from there
to the end. A network that cannot be cut is one segment, and each evaluation runs all of it.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional

from engine.haq.thresholds import LayerThresholds, Thresholds
from engine.nn.quantized import QuantizedLayer, set_float
from engine.nn.segments import Segment, first_segments, run
from engine.schema.errors import Diverged
from engine.schema.results import LayerSensitivity

# A bit more quarters the noise (Bennett 1948). Past this width what a layer adds is far below
# what this many images can tell, so it is reckoned from the width before.
WIDEST_MEASURED = 6

# Nats. A width that adds less is not worth a look at the wider ones: they follow from it.
_NEGLIGIBLE = 3e-4

_BATCH = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Widths:
    """The widths to measure, ascending, for weights and for activations."""

    weight_bits: tuple[int, ...]
    activation_bits: tuple[int, ...]

    @property
    def count(self) -> int:
        """How many evaluations a layer takes."""
        return len(self.weight_bits) + len(self.activation_bits)


def measured_widths(weight_bits: Sequence[int], activation_bits: Sequence[int]) -> Widths:
    """Return which of the widths are measured; the rest follows from the widest of them."""
    return Widths(weight_bits=_measured(weight_bits), activation_bits=_measured(activation_bits))


class SensitivityPass:
    """Measures layer after layer in forward order; may begin at any of them."""

    def __init__(
        self,
        segments: tuple[Segment, ...],
        layers: dict[str, QuantizedLayer],
        *,
        thresholds: Thresholds,
        images_NCHW: Tensor,
    ) -> None:
        self._segments = segments
        self._layers = layers
        self._thresholds = thresholds
        self._maps = list(torch.split(images_NCHW, _BATCH))  # what goes into the segment `_at`
        self._at = 0
        self._first = first_segments(segments)
        set_float(layers)
        self._float_logs = [self._log_probabilities(maps) for maps in self._maps]  # N x classes

    def measure(self, name: str, widths: Widths) -> LayerSensitivity:
        """Return what one layer adds; layers must be asked for in forward order.

        Raises:
            Diverged: a loss is not finite.
        """
        self._advance(self._first[name])
        layer, thresholds = self._layers[name], self._thresholds[name]
        return LayerSensitivity(
            layer=name,
            weight_losses=self._added(
                layer, widths.weight_bits, partial(_quantize_weights, layer, thresholds)
            ),
            activation_losses=self._added(
                layer, widths.activation_bits, partial(_quantize_input, layer, thresholds)
            ),
        )

    def _added(
        self, layer: QuantizedLayer, widths: Sequence[int], quantize: Callable[[int], None]
    ) -> dict[str, float]:
        losses = {}
        for bits in widths:
            quantize(bits)
            losses[str(bits)] = self._divergence()
            layer.set_float()
            if losses[str(bits)] < _NEGLIGIBLE:
                break
        return losses

    @torch.inference_mode()
    def _advance(self, segment: int) -> None:
        assert segment >= self._at, "layers are asked for in forward order"
        for index in range(self._at, segment):
            self._maps = [self._segments[index].module(x) for x in self._maps]
        self._at = segment

    @torch.inference_mode()
    def _log_probabilities(self, maps: Tensor) -> Tensor:
        return functional.log_softmax(run(self._segments[self._at :], maps), dim=1)

    @torch.inference_mode()
    def _divergence(self) -> float:
        """Return KL(float || as it is now), mean over the images, in nats."""
        total = 0.0
        for maps, float_logs in zip(self._maps, self._float_logs, strict=True):
            logs = self._log_probabilities(maps)
            total += float(functional.kl_div(logs, float_logs, log_target=True, reduction="sum"))
        divergence = total / sum(len(maps) for maps in self._maps)
        if not math.isfinite(divergence):
            raise Diverged(self._at, "the loss with one quantised layer")
        return max(divergence, 0.0)  # rounding can leave it a hair below


def _quantize_weights(layer: QuantizedLayer, thresholds: LayerThresholds, bits: int) -> None:
    layer.set_weight_bits(bits, thresholds.weight_clip(bits))


def _quantize_input(layer: QuantizedLayer, thresholds: LayerThresholds, bits: int) -> None:
    layer.set_activation_bits(bits, thresholds.activation_clip(bits))


def _measured(widths: Sequence[int]) -> tuple[int, ...]:
    narrow = tuple(bits for bits in widths if bits <= WIDEST_MEASURED)
    return narrow or (min(widths),)
