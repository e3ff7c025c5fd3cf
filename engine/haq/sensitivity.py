"""The loss that each layer adds when it alone is quantised, operand by operand and width by width.

How a quantised output differs from the float one can be told in three ways. The default is the
divergence of the class probabilities, KL(float || quantised), in nats per image: what the
cross-entropy rises by if the float network's probabilities are right. It asks for no labels and is
never negative. The rise of the cross-entropy itself asks for labels; on some hundred images it
drowns small effects in noise and rewards some of them by chance. The squared distance of the
logits, relative to their size, asks for none and is what Sony's MCT ranks by.

The network is walked segment by segment (engine/nn/segments.py). What stands before a segment is
float and the same for all its layers, so it is computed once; each evaluation runs only from there
to the end. A network that cannot be cut is one segment, and each evaluation runs all of it.

Shapes: N images, K classes.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

from engine.haq.grid import Grids
from engine.nn.quantized import QuantizedLayer, set_float
from engine.nn.segments import Segment, first_segments, run
from engine.schema.errors import Diverged
from engine.schema.policy import MAX_BITS
from engine.schema.quantize_config import SensitivityMeasure
from engine.schema.results import LayerSensitivity

# A bit more quarters the noise (Bennett 1948). Past this width what a layer adds is far below
# what this many images can tell, so it is reckoned from the width before.
WIDEST_MEASURED = 6

# Nats, or a share of the logits. A width that adds less is not worth a look at the wider ones:
# they follow from it. A difference of two losses is too noisy to be taken at its word.
_NEGLIGIBLE = 3e-4

_BATCH_PIXELS = 2**18  # that go through the network at once: 256 images of 32 px
_SMALLEST_BATCH = 8


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


class Sensitivities(Protocol):
    """A way to tell what a layer's widths lose."""

    def measure(self, name: str, widths: Widths) -> LayerSensitivity:
        """Return what one layer adds; layers must be asked for in forward order."""
        ...


class SensitivityPass:
    """Measures layer after layer in forward order; may begin at any of them."""

    def __init__(
        self,
        segments: tuple[Segment, ...],
        layers: dict[str, QuantizedLayer],
        *,
        thresholds: Grids,
        images_NCHW: Tensor,
        labels_N: Tensor | None = None,
        measure: SensitivityMeasure = "divergence",
    ) -> None:
        self._segments = segments
        self._layers = layers
        self._thresholds = thresholds
        batch = max(_BATCH_PIXELS // images_NCHW[0, 0].numel(), _SMALLEST_BATCH)
        self._maps = list(torch.split(images_NCHW, batch))  # what goes into the segment `_at`
        unlabelled = torch.zeros(len(images_NCHW), dtype=torch.long, device=images_NCHW.device)
        self._labels = torch.split(unlabelled if labels_N is None else labels_N, batch)
        self._difference = _DIFFERENCES[measure]
        self._negligible = -math.inf if measure == "loss" else _NEGLIGIBLE
        self._at = 0
        self._first = first_segments(segments)
        set_float(layers)
        self._float_logits = [self._logits(maps) for maps in self._maps]  # N x K each

    def measure(self, name: str, widths: Widths) -> LayerSensitivity:
        """Return what one layer adds; layers must be asked for in forward order.

        Raises:
            Diverged: a loss is not finite.
        """
        self._advance(self._first[name])
        layer, grid = self._layers[name], self._thresholds[name]
        return LayerSensitivity(
            layer=name,
            weight_losses=self._added(
                layer, widths.weight_bits, partial(grid.set_weight_bits, layer)
            ),
            activation_losses=self._added(
                layer, widths.activation_bits, partial(grid.set_activation_bits, layer)
            ),
        )

    def _added(
        self, layer: QuantizedLayer, widths: Sequence[int], quantize: Callable[[int], None]
    ) -> dict[str, float]:
        losses = {}
        for bits in widths:
            quantize(bits)
            losses[str(bits)] = self._lost()
            layer.set_float()
            if losses[str(bits)] < self._negligible:
                break
        return losses

    @torch.inference_mode()
    def _advance(self, segment: int) -> None:
        assert segment >= self._at, "layers are asked for in forward order"
        for index in range(self._at, segment):
            self._maps = [self._segments[index].module(x) for x in self._maps]
        self._at = segment

    @torch.inference_mode()
    def _logits(self, maps: Tensor) -> Tensor:
        return run(self._segments[self._at :], maps)

    @torch.inference_mode()
    def _lost(self) -> float:
        """Return how the output differs from the float one, mean over the images."""
        total = 0.0
        batches = zip(self._maps, self._float_logits, self._labels, strict=True)
        for maps, float_logits_NK, labels_N in batches:
            total += float(self._difference(self._logits(maps), float_logits_NK, labels_N))
        mean = total / sum(len(maps) for maps in self._maps)
        if not math.isfinite(mean):
            raise Diverged(self._at, "the loss with one quantised layer")
        return max(mean, 0.0)  # rounding, or the draw of the images, can leave it below


def _divergence(logits_NK: Tensor, float_logits_NK: Tensor, _labels_N: Tensor) -> Tensor:
    """Return KL(float || quantised) in nats, summed over the images."""
    logs_NK, float_logs_NK = (
        functional.log_softmax(each, dim=1) for each in (logits_NK, float_logits_NK)
    )
    return functional.kl_div(logs_NK, float_logs_NK, log_target=True, reduction="sum")


def _loss(logits_NK: Tensor, float_logits_NK: Tensor, labels_N: Tensor) -> Tensor:
    """Return the cross-entropy's rise in nats, summed over the images."""
    loss, float_loss = (
        functional.cross_entropy(each, labels_N, reduction="sum")
        for each in (logits_NK, float_logits_NK)
    )
    return loss - float_loss


def _distance(logits_NK: Tensor, float_logits_NK: Tensor, _labels_N: Tensor) -> Tensor:
    """Return the squared distance over the float logits' squared size, summed over the images."""
    distances_N = (logits_NK - float_logits_NK).square().sum(dim=1)
    return (distances_N / float_logits_NK.square().sum(dim=1).clamp_min(1e-12)).sum()


_DIFFERENCES: Mapping[SensitivityMeasure, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "divergence": _divergence,
    "loss": _loss,
    "distance": _distance,
}


def _measured(widths: Sequence[int]) -> tuple[int, ...]:
    """Return the widths up to the widest worth a look; none where an operand stays float."""
    narrow = tuple(bits for bits in widths if bits <= WIDEST_MEASURED)
    return narrow or tuple(bits for bits in (min(widths),) if bits <= MAX_BITS)
