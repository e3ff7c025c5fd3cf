"""From measured sensitivities to the loss that every pair of widths is expected to add."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from engine.cost.model import FloatArray
from engine.schema.policy import MAX_BITS
from engine.schema.results import LayerSensitivity

# Rounding noise has a quarter of the power with every further bit: Bennett 1948.
_NOISE_BY_BIT = 4.0
# Of a loss by weights, beside one by activations, after fine-tuning. Measured on three networks:
# policies solved with 0.1 to 0.3 lose least (docs/concepts/haq.md).
_LEFT_OF_WEIGHTS = 0.3


def additive_losses(sensitivities: Sequence[LayerSensitivity]) -> FloatArray:
    """Return each layer's loss by weight and activation bits, in nats; shape (layers, 8, 8).

    A layer's loss is its weights' plus its activations'. A width that was not measured is
    reckoned from the nearest narrower one that was, else from the nearest wider one, by the
    noise that a bit more or less makes.
    """
    return np.array(
        [
            _by_width(layer.weight_losses)[:, None] + _by_width(layer.activation_losses)[None, :]
            for layer in sensitivities
        ]
    ).reshape(-1, MAX_BITS, MAX_BITS)


def losses_after_tuning(sensitivities: Sequence[LayerSensitivity]) -> FloatArray:
    """Return the losses that fine-tuning is expected to leave, up to a common factor.

    Weights learn to live with their grid; what an input has lost is lost. Shape (layers, 8, 8).
    """
    return additive_losses(
        [
            replace(
                layer,
                weight_losses={
                    bits: _LEFT_OF_WEIGHTS * loss for bits, loss in layer.weight_losses.items()
                },
            )
            for layer in sensitivities
        ]
    )


def monotone(losses: FloatArray) -> FloatArray:
    """Return losses where no wider width loses more than a narrower one, and none below zero.

    A measured loss scatters by its images. Taken at its word, a dip would make the solver buy
    cheaper bits "for a better network". Each cell becomes the largest loss among the cells that
    have at least its weight and its activation bits, so no cell falls below what was measured.
    Shape (layers, 8, 8) or any other with the two widths last.
    """
    largest: FloatArray = np.maximum(losses, 0.0)
    for axis in (-2, -1):
        largest = np.flip(np.maximum.accumulate(np.flip(largest, axis), axis=axis), axis)
    return largest


def _by_width(measured: Mapping[str, float]) -> FloatArray:
    losses = {int(width): loss for width, loss in measured.items()}
    if not losses:
        return np.zeros(MAX_BITS)
    return np.array([_loss_at(width, losses) for width in range(1, MAX_BITS + 1)])


def _loss_at(width: int, losses: Mapping[int, float]) -> float:
    narrower = [measured for measured in losses if measured <= width]
    nearest = max(narrower) if narrower else min(losses)
    return losses[nearest] * _NOISE_BY_BIT ** (nearest - width)
