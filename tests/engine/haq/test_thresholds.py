"""Clipping thresholds: never worse than none in squared error, and whole for layers of zeros."""

from itertools import pairwise, product

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from engine.haq.grid import set_policy
from engine.haq.thresholds import WIDTHS, compute_thresholds, weight_clips
from engine.nn.quantized import activation_levels, quantize_activation, quantize_weight
from engine.nn.quantized import weight_levels as levels_of
from engine.schema.policy import LayerBits, Policy
from engine.schema.quantize_config import Clipping, Granularity
from tests.engine.quantized_networks import images, quantisable, residual_network

CLIPPINGS: tuple[Clipping, ...] = ("mse", "kl", "max")
GRANULARITIES: tuple[Granularity, ...] = ("channel", "tensor")


def weight_error(weight: Tensor, clips_C: Tensor, bits: int) -> Tensor:
    """Return each output channel's squared error."""
    scale = clips_C.clamp_min(1e-8).view(-1, 1) / levels_of(bits)
    found = quantize_weight(weight, scale, levels=levels_of(bits))
    return (found - weight).square().sum(dim=1)


def heavy_tailed(seed: int, *shape: int) -> Tensor:
    """Return numbers of which a few are far larger than the rest, as trained weights are."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator) ** 3


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    channels=st.integers(1, 6),
    size=st.integers(1, 200),
    bits=st.sampled_from(WIDTHS),
)
def test_the_least_error_of_weights_is_no_more_than_without_clipping(
    seed: int, channels: int, size: int, bits: int
) -> None:
    weight = heavy_tailed(seed, channels, size)
    best = weight_clips(weight, clipping="mse", granularity="channel")[WIDTHS.index(bits)]
    widest = weight.abs().amax(dim=1)

    found, unclipped = (weight_error(weight, clip, bits) for clip in (best, widest))

    assert (found <= unclipped * (1 + 1e-5) + 1e-9).all()
    assert (best <= widest * (1 + 1e-6)).all()


def test_narrow_weights_gain_much_by_clipping() -> None:
    weight = heavy_tailed(0, 8, 500)

    best = weight_clips(weight, clipping="mse", granularity="channel")[WIDTHS.index(3)]

    unclipped = weight_error(weight, weight.abs().amax(dim=1), 3)
    assert weight_error(weight, best, 3).sum() < 0.8 * unclipped.sum()


@pytest.mark.parametrize("clipping", CLIPPINGS)
def test_a_scale_per_tensor_is_one_number(clipping: Clipping) -> None:
    weight = heavy_tailed(1, 4, 3, 3, 3)

    per_tensor = weight_clips(weight, clipping=clipping, granularity="tensor")
    per_channel = weight_clips(weight, clipping=clipping, granularity="channel")

    assert per_tensor.shape == (len(WIDTHS), 1)
    assert per_channel.shape == (len(WIDTHS), 4)


@pytest.mark.parametrize("bits", [2, 3, 4])
@pytest.mark.parametrize("clipping", ["mse", "kl"])
def test_narrow_activations_are_cut_off_below_their_largest(clipping: Clipping, bits: int) -> None:
    network = residual_network()
    _, layers = quantisable(network)
    thresholds = compute_thresholds(
        network, layers, [images(64)], clipping=clipping, granularity="channel"
    )
    plain = compute_thresholds(network, layers, [images(64)], clipping="max", granularity="channel")

    for name in layers:
        assert 0 < thresholds[name].activation_clip(bits) <= plain[name].activation_clip(bits)
    assert any(
        thresholds[name].activation_clip(bits) < 0.9 * plain[name].activation_clip(bits)
        for name in layers
    )


def test_the_least_error_of_activations_is_no_more_than_without_clipping() -> None:
    network = residual_network()
    _, layers = quantisable(network)
    inputs = _inputs_of(network, layers)
    tables = {
        clipping: compute_thresholds(
            network, layers, [images(64)], clipping=clipping, granularity="channel"
        )
        for clipping in ("mse", "max")
    }

    for (name, layer), bits in product(layers.items(), WIDTHS):
        levels = activation_levels(bits, signed=layer.input_signed)
        error, plain = (
            float(
                (
                    quantize_activation(
                        inputs[name],
                        tables[clipping][name].activation_clip(bits),
                        levels=levels,
                        signed=layer.input_signed,
                    )
                    - inputs[name]
                )
                .square()
                .sum()
            )
            for clipping in ("mse", "max")
        )
        # The search is over a histogram, so equal ones may differ by the width of its bins.
        assert error <= plain * 1.02 + 1e-6, (name, bits)


def _inputs_of(network: torch.nn.Module, layers: dict[str, torch.nn.Module]) -> dict[str, Tensor]:
    inputs: dict[str, Tensor] = {}
    handles = [
        layer.register_forward_pre_hook(lambda _, args, name=name: inputs.update({name: args[0]}))
        for name, layer in layers.items()
    ]
    with torch.no_grad():
        network(images(64))
    for handle in handles:
        handle.remove()
    return inputs


def test_more_bits_cut_off_no_more_and_err_less() -> None:
    weight = heavy_tailed(2, 6, 300)

    clips_BC = weight_clips(weight, clipping="mse", granularity="channel")

    errors = [weight_error(weight, clips_BC[WIDTHS.index(bits)], bits).sum() for bits in WIDTHS]
    assert all(narrow > wide for narrow, wide in pairwise(errors))
    assert (clips_BC[-1] >= clips_BC[0]).all()


def test_thresholds_hang_on_all_batches_and_not_on_how_they_are_cut() -> None:
    network = residual_network()
    _, layers = quantisable(network)
    whole, parts = (
        compute_thresholds(network, layers, batches, clipping="mse", granularity="channel")
        for batches in ([images(64)], list(torch.split(images(64), 16)))
    )

    for name in layers:
        assert torch.allclose(
            whole[name].activation_clips_B, parts[name].activation_clips_B, rtol=1e-3
        )


@pytest.mark.parametrize(("clipping", "granularity"), list(product(CLIPPINGS, GRANULARITIES)))
def test_constant_weights_and_layers_of_zeros_make_no_nan(
    clipping: Clipping, granularity: Granularity
) -> None:
    network = residual_network()
    _, layers = quantisable(network)
    torch.nn.init.constant_(layers["first"].inner.weight, 0.25)
    torch.nn.init.zeros_(layers["second"].inner.weight)
    torch.nn.init.zeros_(network.get_submodule("stem.1").weight)  # the block's input is constant
    torch.nn.init.constant_(network.get_submodule("stem.1").bias, -1.0)  # and zero after ReLU

    thresholds = compute_thresholds(
        network, layers, [images(16)], clipping=clipping, granularity=granularity
    )

    for bits in (2, 8):
        every = LayerBits(weight_bits=bits, activation_bits=bits)
        set_policy(layers, Policy(layers=dict.fromkeys(layers, every)), thresholds)
        for mode in (network.eval(), network.train()):
            assert torch.isfinite(mode(images(16))).all()
        network.eval()


def test_a_constant_layer_is_met_exactly_at_every_width() -> None:
    weight = torch.full((2, 9), -0.3)

    clips_BC = weight_clips(weight, clipping="mse", granularity="channel")

    for bits in WIDTHS:
        assert weight_error(weight, clips_BC[WIDTHS.index(bits)], bits).max() < 1e-10


def test_a_policy_reaches_every_layer() -> None:
    network = residual_network()
    _, layers = quantisable(network)
    thresholds = compute_thresholds(
        network, layers, [images(16)], clipping="max", granularity="channel"
    )
    policy = Policy(
        layers={
            name: LayerBits(weight_bits=2 + index, activation_bits=8 - index)
            for index, name in enumerate(layers)
        }
    )

    set_policy(layers, policy, thresholds)

    for name, layer in layers.items():
        assert layer.bits == policy[name]
        clip = thresholds[name].activation_clip(policy[name].activation_bits)
        assert torch.equal(layer.activation_clip.detach(), clip)
