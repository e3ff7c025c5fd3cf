"""Safetensors files as bytes, made without torch."""

import numpy as np
from safetensors.numpy import save

from engine.schema.layers import LayerSpec, ModelSpec


def weights_of(spec: ModelSpec) -> bytes:
    """Return a file with a zero weight for each layer of a network."""
    return save(
        {f"{layer.name}.weight": np.zeros(_shape(layer), "float32") for layer in spec.layers}
    )


def _shape(layer: LayerSpec) -> tuple[int, ...]:
    if layer.kind == "linear":
        return (layer.out_channels, layer.in_channels)
    kernel = (layer.kernel_size, layer.kernel_size)
    return (layer.out_channels, layer.in_channels // layer.groups, *kernel)
