"""Uniform policies and the layers that keep 8 bits."""

from engine.catalog.baselines import PINNED_BITS, pinned_layers, uniform_policy
from engine.schema.layers import ModelSpec
from engine.schema.policy import LayerBits


def test_the_first_and_the_last_layer_are_pinned(mobilenet_v2: ModelSpec) -> None:
    assert pinned_layers(mobilenet_v2) == {"layer.0", "layer.52"}


def test_a_uniform_policy_leaves_the_ends_at_8_bits(mobilenet_v2: ModelSpec) -> None:
    policy = uniform_policy(mobilenet_v2, 3, 5)

    assert policy["layer.0"] == policy["layer.52"] == PINNED_BITS
    inner = {policy[layer.name] for layer in mobilenet_v2.layers[1:-1]}
    assert inner == {LayerBits(weight_bits=3, activation_bits=5)}
    assert policy.model_hash == mobilenet_v2.model_hash


def test_a_uniform_policy_may_cover_the_ends(mobilenet_v2: ModelSpec) -> None:
    policy = uniform_policy(mobilenet_v2, 3, 5, pinned=False)

    assert set(policy.layers.values()) == {LayerBits(weight_bits=3, activation_bits=5)}
