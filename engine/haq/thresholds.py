"""Clipping thresholds of every layer, operand and width, computed once from the float network.

A threshold depends on the layer and the width alone, never on the rest of a policy, so one table
serves a whole search. Ways to choose it: the least squared error, the least Kullback-Leibler
divergence between the densities before and after (Wang et al. 2019, section 3.4; Migacz 2017),
or the largest value seen.

Shapes: B widths, C output channels (1 for a scale per tensor), K candidates, H histogram bins.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from engine.haq.grid import Grids
from engine.nn.quantized import SMALLEST_CLIP, QuantizedLayer, activation_levels, weight_levels
from engine.schema.policy import LayerBits
from engine.schema.quantize_config import Clipping, Granularity

BINS = 2048
WIDTHS = tuple(range(2, 9))
# Below a fifth of the range even two bits gain nothing; a finer grid moves the error by < 1 %.
_WEIGHT_FRACTIONS = tuple(0.2 + 0.02 * step for step in range(41))
_HISTOGRAM_FRACTIONS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerThresholds:
    """Where one layer's operands are cut off, by width."""

    weight_clips_BC: Tensor
    activation_clips_B: Tensor
    input_signed: bool

    def weight_clip(self, bits: int) -> Tensor:
        """Return the weights' clips at a width; shape (C,)."""
        return self.weight_clips_BC[WIDTHS.index(bits)]

    def activation_clip(self, bits: int) -> Tensor:
        """Return the input's clip at a width; shape ()."""
        return self.activation_clips_B[WIDTHS.index(bits)]

    def set_bits(self, layer: QuantizedLayer, bits: LayerBits) -> None:
        """Quantise a layer to these widths."""
        layer.set_bits(
            bits,
            weight_clip=self.weight_clip(bits.weight_bits),
            activation_clip=self.activation_clip(bits.activation_bits),
        )

    def set_weight_bits(self, layer: QuantizedLayer, bits: int) -> None:
        """Quantise its weights alone."""
        layer.set_weight_bits(bits, self.weight_clip(bits))

    def set_activation_bits(self, layer: QuantizedLayer, bits: int) -> None:
        """Quantise its input alone."""
        layer.set_activation_bits(bits, self.activation_clip(bits))

    def rounded_weight(self, weight: Tensor, bits: int) -> Tensor:
        """Return the float weights as they are at a width."""
        levels = weight_levels(bits)
        clips = self.weight_clip(bits).clamp_min(SMALLEST_CLIP)
        scale = clips.view([-1] + [1] * (weight.dim() - 1)) / levels
        return _rounded(weight, scale, -levels, levels)

    def rounded_input(self, x: Tensor, bits: int) -> Tensor:
        """Return an input as it is at a width."""
        levels = activation_levels(bits, signed=self.input_signed)
        scale = self.activation_clip(bits).clamp_min(SMALLEST_CLIP) / levels
        return _rounded(x, scale, -levels if self.input_signed else 0, levels)


def _rounded(x: Tensor, scale: Tensor, lowest: int, highest: int) -> Tensor:
    return torch.div(x, scale).round_().clamp_(lowest, highest).mul_(scale)


Thresholds = Grids  # in size mode codebooks take their place


def compute_thresholds(
    model: nn.Module,
    layers: Mapping[str, QuantizedLayer],
    batches: Sequence[Tensor],
    *,
    clipping: Clipping,
    granularity: Granularity,
) -> dict[str, LayerThresholds]:
    """Return the thresholds of a float, evaluating network on calibration images."""
    histograms = _histograms(model, layers, batches)
    return {
        name: LayerThresholds(
            weight_clips_BC=weight_clips(
                layer.inner.weight.detach(), clipping=clipping, granularity=granularity
            ),
            activation_clips_B=histograms[name].clips(clipping, signed=layer.input_signed),
            input_signed=layer.input_signed,
        )
        for name, layer in layers.items()
    }


def weight_clips(weight: Tensor, *, clipping: Clipping, granularity: Granularity) -> Tensor:
    """Return weights' clips by width; shape (B, C) or (B, 1)."""
    rows = weight.flatten(1) if granularity == "channel" else weight.reshape(1, -1)
    largest_C = rows.abs().amax(dim=1)
    if clipping == "max":
        return largest_C.expand(len(WIDTHS), -1).clone()
    if clipping == "kl":
        # A channel may hold nine weights: too few for a density. All channels, each relative to
        # its largest weight, share one fraction.
        relative = (rows / largest_C.clamp_min(1e-30).unsqueeze(1)).abs()
        density_H = torch.histc(relative.float(), bins=BINS, min=0.0, max=1.0)
        fractions = [_least_divergence(density_H, weight_levels(bits)) for bits in WIDTHS]
        return torch.stack([largest_C * fraction for fraction in fractions])
    return torch.stack([_least_error_by_row(rows, largest_C, bits) for bits in WIDTHS])


@dataclass(slots=True, kw_only=True)
class ActivationHistogram:
    """How often a layer's input took which magnitude, on a scale up to its largest."""

    largest: Tensor  # shape ()
    counts_H: Tensor

    def clips(self, clipping: Clipping, *, signed: bool) -> Tensor:
        """Return the input's clips by width; shape (B,)."""
        return torch.stack([self._clip(clipping, bits, signed=signed) for bits in WIDTHS])

    def _clip(self, clipping: Clipping, bits: int, *, signed: bool) -> Tensor:
        levels = activation_levels(bits, signed=signed)
        if clipping == "max" or self.counts_H.sum() == 0:
            return self.largest
        if clipping == "kl":
            return self.largest * _least_divergence(self.counts_H, levels)
        return self.largest * _least_error(self.counts_H, levels)


def _histograms(
    model: nn.Module, layers: Mapping[str, QuantizedLayer], batches: Sequence[Tensor]
) -> dict[str, ActivationHistogram]:
    """Two passes: the first finds each layer's range, the second counts in it."""
    device = next(model.parameters()).device
    found = {
        name: ActivationHistogram(
            largest=torch.zeros((), device=device), counts_H=torch.zeros(BINS, device=device)
        )
        for name in layers
    }

    def widen(name: str, x: Tensor) -> None:
        found[name].largest = torch.maximum(found[name].largest, x.abs().amax())

    def count(name: str, x: Tensor) -> None:
        top = float(found[name].largest)
        if top > 0:
            # Zeros are exact at every width; left out, they cannot blur the density.
            counts = torch.histc(x.abs().float(), bins=BINS, min=0.0, max=top)
            counts[0] -= (x == 0).sum()
            found[name].counts_H += counts

    for look in (widen, count):
        with _watching(layers, look), torch.no_grad():
            for images_NCHW in batches:
                model(images_NCHW)
    return found


@contextmanager
def _watching(
    layers: Mapping[str, QuantizedLayer], look: Callable[[str, Tensor], None]
) -> Iterator[None]:
    handles = [
        layer.register_forward_pre_hook(lambda _, inputs, name=name: look(name, inputs[0]))
        for name, layer in layers.items()
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _least_error_by_row(rows: Tensor, largest_C: Tensor, bits: int) -> Tensor:
    levels = weight_levels(bits)
    best_error_C = torch.full_like(largest_C, torch.inf)
    best_clip_C = largest_C.clone()
    for fraction in _WEIGHT_FRACTIONS:
        scale_C1 = (fraction * largest_C).clamp_min(1e-30).unsqueeze(1) / levels
        steps = torch.div(rows, scale_C1).round_().clamp_(-levels, levels)
        error_C = steps.mul_(scale_C1).sub_(rows).square_().sum(dim=1)
        # Of two equal errors the wider clip is taken: it cuts off less of what was not seen.
        better_C = error_C <= best_error_C
        best_error_C = torch.where(better_C, error_C, best_error_C)
        best_clip_C = torch.where(better_C, fraction * largest_C, best_clip_C)
    return best_clip_C


def _candidates(counts_H: Tensor, levels: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return bin centres (H,), candidate clips (K,), and each bin's level under each (K, H)."""
    device = counts_H.device
    centres_H = (torch.arange(BINS, device=device) + 0.5) / BINS
    clips_K = torch.arange(1, _HISTOGRAM_FRACTIONS + 1, device=device) / _HISTOGRAM_FRACTIONS
    steps_KH = (centres_H * levels / clips_K.unsqueeze(1)).round_().clamp_(max=levels)
    return centres_H, clips_K, steps_KH


def _least_error(counts_H: Tensor, levels: int) -> Tensor:
    """Return the clip, relative to the largest magnitude, with the least squared error."""
    centres_H, clips_K, steps_KH = _candidates(counts_H, levels)
    quantized_KH = steps_KH * (clips_K / levels).unsqueeze(1)
    errors_K = ((quantized_KH - centres_H).square() * counts_H).sum(dim=1)
    return clips_K[errors_K.argmin()]


def _least_divergence(counts_H: Tensor, levels: int) -> Tensor:
    """Return the clip, relative to the largest magnitude, with the least KL(before || after).

    What is cut off is counted in the last bin that is kept; the quantised density spreads each
    level's mass evenly over those of its bins that are not empty: Migacz 2017.
    """
    centres_H, clips_K, steps_KH = _candidates(counts_H, levels)
    kept_KH = centres_H <= clips_K.unsqueeze(1)
    before_KH = counts_H * kept_KH
    after_KH = _spread(before_KH, steps_KH.long(), levels)
    last_K1 = kept_KH.sum(dim=1, keepdim=True) - 1
    cut_off_K1 = (counts_H * ~kept_KH).sum(dim=1, keepdim=True)
    before_KH = before_KH.scatter_add(1, last_K1, cut_off_K1)
    smooth = 1e-6 * counts_H.sum()
    p_KH = before_KH / before_KH.sum(dim=1, keepdim=True)
    q_KH = (after_KH + smooth * (before_KH > 0)) / (
        (after_KH + smooth * (before_KH > 0)).sum(dim=1, keepdim=True)
    )
    divergence_K = torch.where(p_KH > 0, p_KH * (p_KH / q_KH).log(), 0).sum(dim=1)
    return clips_K[divergence_K.argmin()]


def _spread(before_KH: Tensor, levels_KH: Tensor, levels: int) -> Tensor:
    filled_KH = (before_KH > 0).float()
    shape = (before_KH.shape[0], levels + 1)
    mass_KL = before_KH.new_zeros(shape).scatter_add_(1, levels_KH, before_KH)
    count_KL = before_KH.new_zeros(shape).scatter_add_(1, levels_KH, filled_KH)
    mean_KL = mass_KL / count_KL.clamp_min(1)
    return mean_KL.gather(1, levels_KH) * filled_KH
