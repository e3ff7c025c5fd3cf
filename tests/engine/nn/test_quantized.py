"""Quantised layers: their grids, their gradients, and that both ways to compute agree."""

import copy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from engine.nn.quantized import (
    QuantizedLayer,
    activation_levels,
    quantize_activation,
    quantize_layers,
    quantize_weight,
    quantized_layers,
    set_float,
    weight_levels,
)
from engine.schema.errors import UnsupportedModel
from engine.schema.layers import LayerSpec
from engine.schema.policy import LayerBits

FOUR_BITS = LayerBits(weight_bits=4, activation_bits=4)


def spec_of(name: str, *, signed: bool = True) -> LayerSpec:
    return LayerSpec(
        name=name,
        kind="conv",
        in_channels=3,
        out_channels=5,
        input_signed=signed,
        weights=1,
        macs=1,
    )


def quantized_conv(*, signed: bool, bias: bool = True, per_channel: bool = True) -> QuantizedLayer:
    """A convolution at four bits; its clips cut off some weights and some of a normal input."""
    torch.manual_seed(1)
    conv = nn.Conv2d(3, 5, 3, padding=1, bias=bias)
    layer = QuantizedLayer(conv, input_signed=signed)
    largest = conv.weight.detach().flatten(1).abs().amax(dim=1)
    clip = 0.7 * (largest if per_channel else largest.amax().view(1))
    layer.set_bits(FOUR_BITS, weight_clip=clip, activation_clip=torch.tensor(1.1))
    return layer


def plainly_quantized(x: Tensor, clip: Tensor, *, levels: int, signed: bool) -> Tensor:
    """The textbook form: clamp by the clip, round straight-through, autograd does the rest."""
    cut_off = torch.minimum(x, clip)
    if signed:
        cut_off = torch.maximum(cut_off, -clip)
    scale = (clip / levels).detach()
    return cut_off + (torch.round(cut_off / scale) * scale - cut_off).detach()


@pytest.mark.parametrize(("bits", "levels"), [(2, 1), (3, 3), (8, 127)])
def test_a_signed_grid_is_symmetric_around_zero(bits: int, levels: int) -> None:
    assert weight_levels(bits) == activation_levels(bits, signed=True) == levels


def test_an_unsigned_grid_spends_every_code_above_zero() -> None:
    assert [activation_levels(bits, signed=False) for bits in (2, 8)] == [3, 255]


def test_weights_are_rounded_to_their_grid_and_cut_off_at_its_ends() -> None:
    weights = torch.tensor([-1.0, -0.5, 0.1, 0.9, 3.0, -3.0])

    found = quantize_weight(weights, torch.tensor(1 / 3), levels=weight_levels(3))

    assert torch.allclose(found, torch.tensor([-1.0, -2 / 3, 0.0, 1.0, 1.0, -1.0]))


def test_activations_round_half_to_even_and_an_unsigned_grid_ends_at_zero() -> None:
    x = torch.tensor([-1.0, 0.9, 1.0, 3.1, 7.0])

    found = quantize_activation(x, torch.tensor(6.0), levels=3, signed=False)

    assert found.tolist() == [0.0, 0.0, 0.0, 4.0, 6.0]


def test_a_signed_activation_is_cut_off_on_both_sides() -> None:
    x = torch.tensor([-9.0, -1.2, 0.4, 9.0])

    found = quantize_activation(x, torch.tensor(3.0), levels=3, signed=True)

    assert found.tolist() == [-3.0, -1.0, 0.0, 3.0]


def test_the_gradient_of_weights_passes_the_rounding_and_the_cut() -> None:
    weights = torch.tensor([-5.0, -0.2, 0.4, 5.0], requires_grad=True)
    wanted = torch.tensor([1.0, -2.0, 3.0, 4.0])

    quantize_weight(weights, torch.tensor(0.5), levels=3).backward(wanted)

    assert weights.grad is not None
    assert torch.equal(weights.grad, wanted)


@pytest.mark.parametrize("signed", [True, False])
def test_the_gradients_of_activations_are_those_of_the_plain_form(signed: bool) -> None:
    torch.manual_seed(2)
    start = 2 * torch.randn(500) if signed else 2 * torch.rand(500)
    outward = torch.randn(500)
    gradients = []
    for form in (quantize_activation, plainly_quantized):
        x, clip = start.clone().requires_grad_(), torch.tensor(1.3, requires_grad=True)
        form(x, clip, levels=7, signed=signed).backward(outward)
        assert x.grad is not None
        assert clip.grad is not None
        gradients.append((x.grad, clip.grad))

    (ours_x, ours_clip), (plain_x, plain_clip) = gradients
    assert torch.equal(ours_x, plain_x)
    assert torch.allclose(ours_clip, plain_clip, rtol=1e-5)


def test_the_clip_gathers_the_gradients_of_what_it_cuts_off() -> None:
    x = torch.tensor([-7.0, -0.5, 0.5, 7.0, 8.0])
    outward = torch.tensor([1.0, 10.0, 100.0, 1000.0, 10000.0])
    clip = torch.tensor(2.0, requires_grad=True)

    quantize_activation(x, clip, levels=3, signed=True).backward(outward)

    assert clip.grad is not None
    assert float(clip.grad) == 1000.0 + 10000.0 - 1.0


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("per_channel", [True, False])
def test_eval_mode_computes_what_train_mode_does(
    signed: bool, bias: bool, per_channel: bool
) -> None:
    layer = quantized_conv(signed=signed, bias=bias, per_channel=per_channel)
    x = torch.randn(4, 3, 8, 8)
    x = x if signed else x.relu()

    assert torch.allclose(layer.train()(x), layer.eval()(x), atol=1e-5)


def test_a_linear_layer_quantises_as_a_convolution_does() -> None:
    linear = nn.Linear(6, 4)
    layer = QuantizedLayer(linear, input_signed=True)
    layer.set_bits(FOUR_BITS, weight_clip=torch.tensor([0.2]), activation_clip=torch.tensor(1.0))
    x = torch.randn(3, 6)

    on_grid = quantize_activation(x, torch.tensor(1.0), levels=7, signed=True)
    weight = quantize_weight(linear.weight, torch.tensor(0.2) / 7, levels=7)
    wanted = nn.functional.linear(on_grid, weight, linear.bias)

    assert torch.allclose(layer.train()(x), wanted, atol=1e-6)
    assert torch.allclose(layer.eval()(x), wanted, atol=1e-5)


def test_a_layer_without_widths_is_the_float_layer() -> None:
    layer = quantized_conv(signed=True).eval()
    x = torch.randn(2, 3, 8, 8)
    set_float({"layer": layer})

    assert torch.equal(layer(x), layer.inner(x))
    assert torch.equal(layer.train()(x), layer.inner(x))
    assert layer.bits is None


def _step_weights(layer: QuantizedLayer) -> None:
    with torch.no_grad():
        layer.inner.weight.neg_()


def _step_clip(layer: QuantizedLayer) -> None:
    with torch.no_grad():
        layer.activation_clip.mul_(0.5)


def _other_bits(layer: QuantizedLayer) -> None:
    layer.set_activation_bits(2, torch.tensor(1.1))


@pytest.mark.parametrize("change", [_step_weights, _step_clip, _other_bits])
def test_eval_mode_never_answers_from_before_a_change(
    change: Callable[[QuantizedLayer], None],
) -> None:
    layer = quantized_conv(signed=True).eval()
    x = torch.randn(2, 3, 8, 8)
    before = layer(x)

    change(layer)

    assert not torch.allclose(layer(x), before, atol=1e-3)
    assert torch.allclose(layer.eval()(x), layer.train()(x), atol=1e-5)


def test_integer_weights_times_their_scale_are_the_quantised_weights() -> None:
    layer = quantized_conv(signed=True)

    steps = layer.integer_weights()

    assert steps.dtype == torch.int8
    assert int(steps.abs().max()) == weight_levels(4)
    wanted = quantize_weight(layer.inner.weight, layer.weight_scale, levels=weight_levels(4))
    assert torch.equal(steps * layer.weight_scale, wanted)


def test_a_clip_of_zero_makes_zeros_and_no_nan() -> None:
    layer = QuantizedLayer(nn.Conv2d(3, 5, 3), input_signed=False)
    nn.init.zeros_(layer.inner.weight)
    layer.set_bits(FOUR_BITS, weight_clip=torch.zeros(5), activation_clip=torch.zeros(()))
    x = torch.zeros(1, 3, 4, 4)

    for output in (layer.eval()(x), layer.train()(x)):
        assert torch.isfinite(output).all()


def test_a_layer_answers_for_the_shape_and_the_weights_of_the_one_inside() -> None:
    layer = quantized_conv(signed=True)

    assert (layer.in_channels, layer.out_channels, layer.groups) == (3, 5, 1)
    assert layer.weight is layer.inner.weight
    assert not hasattr(layer, "no_such_thing")
    assert copy.deepcopy(layer).kernel_size == layer.inner.kernel_size


def test_layers_are_swapped_by_name_and_found_again() -> None:
    model = nn.Sequential(nn.Conv2d(3, 5, 3), nn.Sequential(nn.ReLU(), nn.Conv2d(5, 5, 3)))
    model.eval()

    layers = quantize_layers(model, [spec_of("0", signed=True), spec_of("1.1", signed=False)])

    assert quantized_layers(model) == layers
    assert [layer.input_signed for layer in layers.values()] == [True, False]
    assert not any(layer.training for layer in layers.values())


def test_a_layer_that_is_no_convolution_is_refused() -> None:
    with pytest.raises(UnsupportedModel, match="'0' is a ReLU"):
        quantize_layers(nn.Sequential(nn.ReLU()), [spec_of("0")])
