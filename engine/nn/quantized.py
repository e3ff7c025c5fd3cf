"""Convolution and linear layers that compute as if their operands had few bits.

Symmetric linear quantisation without a zero point (Wang et al. 2019, section 3.4): a weight scale
per output channel or per tensor, one clip per layer for the input activations. A half-wave
quantiser covers [0, clip], a full-wave one [-clip, clip]. Rounding is to even on ties and
straight-through in the gradient; the activation clip is trainable (PACT, Choi et al. 2018).

Shapes: N images, C output channels, * any further axes.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from engine.schema.errors import UnsupportedModel
from engine.schema.layers import LayerSpec
from engine.schema.policy import LayerBits

# A clip of zero (a layer of zeros) would divide by zero; any positive one maps zeros to zeros.
SMALLEST_CLIP = 1e-8
# What a forward may ask of a layer beside calling it.
_ANSWERED = frozenset({*nn.Conv2d.__constants__, *nn.Linear.__constants__, "weight", "bias"})


def weight_levels(bits: int) -> int:
    """Return how many steps a signed weight has on each side of zero."""
    return (1 << (bits - 1)) - 1


def activation_levels(bits: int, *, signed: bool) -> int:
    """Return how many steps an activation has above zero."""
    return (1 << (bits - 1)) - 1 if signed else (1 << bits) - 1


class QuantizedLayer(nn.Module):
    """Stands in for a layer and quantises its input and its weights; without widths it is float."""

    weight_scale: Tensor  # (C, 1, ...) or (1, 1, ...)

    def __init__(self, inner: nn.Conv2d | nn.Linear, *, input_signed: bool) -> None:
        super().__init__()
        self.inner = inner
        self.input_signed = input_signed
        self.bits: LayerBits | None = None
        self.activation_clip = nn.Parameter(inner.weight.new_ones(()))
        self.register_buffer("weight_scale", inner.weight.new_ones([1] * inner.weight.dim()))
        self._quantizes_weights = False
        self._quantizes_input = False
        self._rectifies = False
        self._highest = math.inf  # of a rectified input
        self._highest_step = 0
        self._multiplier_C: Tensor | None = None
        self._offset_C: Tensor | None = None
        self._cached: tuple[tuple[int, int], Tensor, Tensor | None] | None = None

    def __getattr__(self, name: str) -> Tensor | nn.Module:
        """Answer for the layer inside where a network asks for its shape or weights."""
        if name in _ANSWERED and "inner" in self.__dict__.get("_modules", {}):
            return cast(Tensor | nn.Module, getattr(self.inner, name))
        return super().__getattr__(name)

    def set_bits(self, bits: LayerBits, *, weight_clip: Tensor, activation_clip: Tensor) -> None:
        """Quantise both operands from now on; the weight clip is of shape (C,) or (1,)."""
        self.set_weight_bits(bits.weight_bits, weight_clip)
        self.set_activation_bits(bits.activation_bits, activation_clip)
        self.bits = bits

    def set_weight_bits(self, bits: int, clip: Tensor) -> None:
        """Quantise the weights; the clip is of shape (C,) or (1,)."""
        shape = [-1] + [1] * (self.inner.weight.dim() - 1)
        scale = clip.clamp_min(SMALLEST_CLIP).view(shape) / weight_levels(bits)
        self.weight_scale = scale.to(self.inner.weight)
        self._weight_levels = weight_levels(bits)
        self._quantizes_weights = True
        self._cached = None

    def set_activation_bits(self, bits: int, clip: Tensor) -> None:
        """Quantise the input; the clip is of shape ()."""
        self.activation_clip.data = clip.clamp_min(SMALLEST_CLIP).to(self.activation_clip)
        self._activation_levels = activation_levels(bits, signed=self.input_signed)
        self._quantizes_input = True
        self._cached = None

    def set_float(self) -> None:
        """Quantise nothing from now on."""
        self.bits = None
        self._quantizes_weights = self._quantizes_input = False
        self._cached = None

    def fold(self, multiplier_C: Tensor, offset_C: Tensor) -> None:
        """Take over an affine map of the output channels; the weights are quantised before it."""
        self._multiplier_C, self._offset_C = multiplier_C, offset_C
        self._cached = None

    def rectify(self, highest: float) -> None:
        """Take over the rectifier in front of it, which ends at `highest`, maybe infinity.

        A half-wave quantiser cuts off what a rectifier does, so one pass does the work of both.
        """
        assert not self.input_signed, "a rectified input is not signed"
        self._rectifies, self._highest = True, highest
        self._cached = None

    def integer_weights(self) -> Tensor:
        """Return the weights in units of their scale, as int8."""
        steps = _to_steps(self.inner.weight.detach(), self.weight_scale, self._weight_levels)
        return steps.to(torch.int8)

    def forward(self, x: Tensor) -> Tensor:
        """Return the layer's output; in eval mode it carries no gradient to the weights."""
        if not self.training:
            weight, bias = self._evaluated_operands()
            return apply_inner(self.inner, self._input_steps(x), weight, bias)
        x = self._quantized_input(x)
        weight = self.inner.weight
        if self._quantizes_weights:
            weight = quantize_weight(weight, self.weight_scale, levels=self._weight_levels)
        return apply_inner(self.inner, x, weight, self.inner.bias)

    def _quantized_input(self, x: Tensor) -> Tensor:
        if self._quantizes_input:
            return quantize_activation(
                x,
                self.activation_clip,
                levels=self._activation_levels,
                signed=self.input_signed,
                highest=self._highest,
            )
        return self._rectified(x)

    def _rectified(self, x: Tensor) -> Tensor:
        return x.clamp(0.0, self._highest) if self._rectifies else x

    def _input_steps(self, x: Tensor) -> Tensor:
        """Return a quantised input in units of its scale, which the weights carry."""
        if not self._quantizes_input:
            return self._rectified(x)
        levels, clip = self._activation_levels, self.activation_clip.detach()
        steps = torch.mul(x, (clip / levels).reciprocal()).round_()
        return steps.clamp_(-levels if self.input_signed else 0, self._highest_step)

    def _evaluated_operands(self) -> tuple[Tensor, Tensor | None]:
        # The versions count in-place changes, so a step or a load is never answered from before.
        versions = (self.inner.weight._version, self.activation_clip._version)
        if self._cached is None or self._cached[0] != versions:
            with torch.no_grad():
                self._cached = (versions, *self._merged_operands())
            if self._quantizes_input:
                self._highest_step = _highest_step(
                    self._activation_levels, self.activation_clip.detach(), self._highest
                )
        return self._cached[1], self._cached[2]

    def _merged_operands(self) -> tuple[Tensor, Tensor | None]:
        """Return the quantised weights times the scale of the input and the folded factor."""
        weight, bias = self.inner.weight, self.inner.bias
        if self._quantizes_weights:
            weight = _to_steps(weight, self.weight_scale, self._weight_levels) * self.weight_scale
        if self._quantizes_input:
            weight = weight * (self.activation_clip / self._activation_levels)
        if self._multiplier_C is None or self._offset_C is None:
            return weight, bias
        shape = [-1] + [1] * (weight.dim() - 1)
        shift = self._offset_C if bias is None else bias * self._multiplier_C + self._offset_C
        return weight * self._multiplier_C.view(shape), shift


def quantize_layers(
    model: nn.Module,
    specs: Sequence[LayerSpec],
    *,
    kind: type[QuantizedLayer] = QuantizedLayer,
) -> dict[str, QuantizedLayer]:
    """Put a quantised layer in the place of each listed one; return them by name, in that order.

    Raises:
        UnsupportedModel: a listed layer is neither a 2-d convolution nor linear.
    """
    return {spec.name: _swap(model, spec, kind) for spec in specs}


def quantized_layers(model: nn.Module) -> dict[str, QuantizedLayer]:
    """Return the quantised layers that stand in a network, by name."""
    return {name: m for name, m in model.named_modules() if isinstance(m, QuantizedLayer)}


def set_float(layers: Mapping[str, QuantizedLayer]) -> None:
    """Let all these layers compute in float."""
    for layer in layers.values():
        layer.set_float()


def quantize_weight(weight: Tensor, scale: Tensor, *, levels: int) -> Tensor:
    """Return the weights on their grid: Wang et al. 2019, eq. 6; the gradient passes unmasked."""
    return cast(Tensor, _QuantizeWeight.apply(weight, scale, levels))


def quantize_activation(
    x: Tensor, clip: Tensor, *, levels: int, signed: bool, highest: float = math.inf
) -> Tensor:
    """Return an activation on its grid; where it is cut off, the gradient goes to the clip.

    An unsigned one may come unrectified; what it would be rectified at is its `highest`.
    """
    form = _QuantizeSigned if signed else _QuantizeUnsigned
    arguments = (levels,) if signed else (levels, highest)
    return cast(Tensor, form.apply(x, clip, *arguments))


def _to_steps(x: Tensor, scale: Tensor, levels: int) -> Tensor:
    return torch.div(x, scale).round_().clamp_(-levels, levels)


def _highest_step(levels: int, clip: Tensor, highest: float) -> int:
    """Return the step that the largest input takes; a rectifier may cut off before the clip."""
    reach = float(clip)
    return levels if highest >= reach else round(highest * levels / reach)


class _QuantizeWeight(torch.autograd.Function):
    # In place after the first product: two thirds of the passes over memory of the plain formula.
    @staticmethod
    def forward(_ctx: Any, weight: Tensor, scale: Tensor, levels: int) -> Tensor:  # Any: torch's
        return _to_steps(weight, scale, levels).mul_(scale)

    @staticmethod
    def backward(_ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:  # Any: torch's
        return grad, None, None


class _QuantizeSigned(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, clip: Tensor, levels: int) -> Tensor:  # Any: torch's
        scale = clip / levels
        ctx.save_for_backward(x, clip)
        return torch.mul(x, scale.reciprocal()).round_().clamp_(-levels, levels).mul_(scale)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor | None, None]:  # Any: torch's
        x, clip = ctx.saved_tensors
        reach = float(clip)
        # One pass for the mask and the product.
        passed = torch.ops.aten.hardtanh_backward(grad, x, -reach, reach)
        if not ctx.needs_input_grad[1]:
            return passed, None, None
        return passed, (grad - passed).mul_(x.sign()).sum(), None


class _QuantizeUnsigned(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        clip: Tensor,
        levels: int,
        highest: float,  # Any: torch's
    ) -> Tensor:
        scale = clip / levels
        ctx.save_for_backward(x, clip)
        ctx.highest = highest
        steps = torch.mul(x, scale.reciprocal()).round_()
        return steps.clamp_(0, _highest_step(levels, clip, highest)).mul_(scale)

    @staticmethod
    def backward(
        ctx: Any,
        grad: Tensor,  # Any: torch's
    ) -> tuple[Tensor, Tensor | None, None, None]:
        x, clip = ctx.saved_tensors
        reach, highest = float(clip), ctx.highest
        if highest < reach or not ctx.needs_input_grad[1]:
            passed = torch.ops.aten.hardtanh_backward(grad, x, 0.0, min(reach, highest))
            return passed, torch.zeros_like(clip), None, None
        # What was cut off is summed up before its memory takes the rest: fresh memory costs
        # more than the arithmetic.
        cut_off = torch.ops.aten.threshold_backward(grad, x, reach)
        toward_clip = cut_off.sum()
        passed = torch.ops.aten.hardtanh_backward.grad_input(
            grad, x, 0.0, reach, grad_input=cut_off
        )
        return passed, toward_clip, None, None


def apply_inner(
    inner: nn.Conv2d | nn.Linear, x: Tensor, weight: Tensor, bias: Tensor | None
) -> Tensor:
    """Return what a layer makes of its input with other weights."""
    if isinstance(inner, nn.Linear):
        return nn.functional.linear(x, weight, bias)
    output: Tensor = inner._conv_forward(x, weight, bias)
    return output


def _swap(model: nn.Module, spec: LayerSpec, kind: type[QuantizedLayer]) -> QuantizedLayer:
    parent_name, _, child_name = spec.name.rpartition(".")
    parent = model.get_submodule(parent_name)
    inner = getattr(parent, child_name, None)
    if not isinstance(inner, nn.Conv2d | nn.Linear):
        raise UnsupportedModel(
            spec.name, f"is a {type(inner).__name__}; only Conv2d and Linear can be quantised"
        )
    layer = kind(inner, input_signed=spec.input_signed)
    layer.train(inner.training)
    setattr(parent, child_name, layer)
    return layer
