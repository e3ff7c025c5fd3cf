"""Policies that a search is measured against, and the layers that no search touches."""

from engine.schema.layers import ModelSpec
from engine.schema.policy import FLOAT_BITS, MAX_BITS, LayerBits, Policy

BASELINE_BITS = (8, 6, 4)
PINNED_BITS = LayerBits(weight_bits=MAX_BITS, activation_bits=MAX_BITS)


def pinned_layers(spec: ModelSpec) -> frozenset[str]:
    """Return the names of the first and the last layer, which keep 8 bits: Wang et al. 2019."""
    return frozenset((spec.layers[0].name, spec.layers[-1].name))


def uniform_policy(
    spec: ModelSpec, weight_bits: int, activation_bits: int, *, pinned: bool = True
) -> Policy:
    """Return the policy with the same bits everywhere, but for the pinned layers if asked.

    With float activations no layer is pinned.
    """
    bits = LayerBits(weight_bits=weight_bits, activation_bits=activation_bits)
    kept = pinned_layers(spec) if pinned and activation_bits != FLOAT_BITS else frozenset()
    return Policy(
        layers={layer.name: PINNED_BITS if layer.name in kept else bits for layer in spec.layers},
        model_hash=spec.model_hash,
    )
