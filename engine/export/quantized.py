"""A quantised network in one safetensors file: integer weights, scales, clips, and the float rest.

Layout, for each quantised layer `<name>`:

    <name>.weight           int8, in units of its scale
    <name>.weight_scale     float32, one per output channel or a single one
    <name>.activation_clip  float32, where the layer's input is cut off

Where weights are shared (k-means), activations stay float, and each layer has instead:

    <name>.codebook         float32, the values that its weights share
    <name>.labels           uint8, the weights' places in it, packed at the layer's bits

Everything else (biases, batch norm) stands under its own name as in the float network. The
metadata says which network it is, its bits, and how its images are to be normalised.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from torch import Tensor, nn

from engine.catalog.architecture_file import architecture_from_json, architecture_to_json
from engine.catalog.model_files import FILE_PREFIX, architecture_of
from engine.data.image_set import Normalisation
from engine.nn.architecture_network import drawn_network
from engine.nn.build import build_model
from engine.nn.codebook import packed, unpacked
from engine.nn.codebook_layer import CodebookLayer
from engine.nn.describe import describe
from engine.nn.quantized import (
    QuantizedLayer,
    quantize_layers,
    quantized_layers,
    weight_levels,
)
from engine.schema.codec import from_json, policy_from_json, to_json
from engine.schema.errors import InvalidConfig
from engine.schema.layers import InputSpec, ModelSpec
from engine.schema.policy import LayerBits, Policy

FORMAT = "bespoke-quantized/1"
_INNER = ".inner."
_LENGTH_BYTES = 8
_ALIGNMENT = 8  # of the first tensor, in bytes


def save_quantized(
    network: nn.Module,
    path: Path,
    *,
    spec: ModelSpec,
    dataset: str,
    policy: Policy,
    normalisation: Normalisation,
) -> None:
    """Write a network whose layers are quantised by `policy`."""
    layers = quantized_layers(network)
    tensors = {
        name.replace(_INNER, "."): tensor.detach().cpu().contiguous()
        for name, tensor in network.state_dict().items()
        if not _belongs_to_a_weight(name, layers)
    }
    for name, layer in layers.items():
        tensors |= {
            f"{name}.{leaf}": tensor.cpu().contiguous()
            for leaf, tensor in _stored_weight(layer).items()
        }
    metadata = {
        "format": FORMAT,
        "quantizer": "kmeans" if policy.is_weights_only else "linear",
        **_named(spec),
        "input": json.dumps(to_json(spec.input)),
        "classes": str(spec.classes),
        "dataset": dataset,
        "policy": json.dumps(to_json(policy)),
        "mean": json.dumps(normalisation.mean),
        "std": json.dumps(normalisation.std),
    }
    path.write_bytes(_in_order(save(tensors, metadata=metadata)))


def load_quantized(path: Path | str) -> nn.Module:
    """Return the network of a file that `save_quantized` wrote, in eval mode, ready to use.

    Its input are float images, N x C x H x W, normalised by the file's `mean` and `std`.

    Raises:
        InvalidConfig: the file is not one of this format.
    """
    metadata = _metadata(path)
    if metadata.get("format") != FORMAT:
        raise InvalidConfig(
            "checkpoint", f"{path} is not a quantised network of the format {FORMAT}"
        )
    image = from_json(InputSpec, json.loads(metadata["input"]))
    classes = int(metadata["classes"])
    network = _network(metadata, image, classes)
    spec = describe(network, model_id=metadata["model"], input=image, classes=classes)
    policy = policy_from_json(json.loads(metadata["policy"]))
    kind = CodebookLayer if policy.is_weights_only else QuantizedLayer
    layers = quantize_layers(network, spec.layers, kind=kind)
    _fill(network, layers, policy, load_file(str(path)))
    return network.eval()


def _named(spec: ModelSpec) -> dict[str, str]:
    """Say which network it is; one that was read from a file is written out whole."""
    if not spec.model.startswith(FILE_PREFIX):
        return {"model": spec.model}
    architecture = architecture_of(spec.model)
    assert architecture is not None, "a file is an architecture"
    written = architecture_to_json(architecture.fitted(spec.input, spec.classes))
    return {"model": "file", "architecture": json.dumps(written)}


def _network(metadata: Mapping[str, str], image: InputSpec, classes: int) -> nn.Module:
    if "architecture" not in metadata:
        return build_model(metadata["model"], input=image, classes=classes)
    architecture = architecture_from_json(json.loads(metadata["architecture"]))
    return drawn_network(architecture, generator=torch.Generator().manual_seed(0))


def _in_order(file: bytes) -> bytes:
    """Return a safetensors file with its header sorted, so that equal networks are equal files.

    The library writes metadata in another order every time. A file is the header's length in
    eight bytes, the header as JSON padded by spaces, and the tensors.
    """
    end = _LENGTH_BYTES + int.from_bytes(file[:_LENGTH_BYTES], "little")
    header = json.dumps(json.loads(file[_LENGTH_BYTES:end]), sort_keys=True).encode()
    header += b" " * (-len(header) % _ALIGNMENT)
    return len(header).to_bytes(_LENGTH_BYTES, "little") + header + file[end:]


def _metadata(path: Path | str) -> dict[str, str]:
    """Return what the file says of itself; nothing, if it is no safetensors file."""
    try:
        with safe_open(str(path), framework="pt") as file:
            return file.metadata() or {}
    except SafetensorError:
        return {}


def _stored_weight(layer: QuantizedLayer) -> dict[str, Tensor]:
    """Return a layer's weights as the file has them."""
    if not isinstance(layer, CodebookLayer):
        return {"weight": layer.integer_weights()}
    assert layer.bits is not None
    return {
        "codebook": layer.centroids.detach(),
        "labels": packed(layer.labels, layer.bits.weight_bits),
    }


def _fill(
    network: nn.Module,
    layers: dict[str, QuantizedLayer],
    policy: Policy,
    tensors: dict[str, Tensor],
) -> None:
    for name, layer in layers.items():
        if isinstance(layer, CodebookLayer):
            bits, codebook_K = policy[name].weight_bits, tensors[f"{name}.codebook"]
            labels = unpacked(tensors[f"{name}.labels"], bits, layer.inner.weight.shape)
            layer.set_codebook(bits, codebook_K, labels)
            layer.inner.weight.data.copy_(layer.shared_weight())
            continue
        scale = tensors[f"{name}.weight_scale"]
        _set_bits(layer, policy[name], scale, tensors[f"{name}.activation_clip"])
        tensors[f"{name}.weight"] = tensors[f"{name}.weight"].to(scale.dtype) * scale
    # The network's own dictionary: it carries versions that some modules ask for.
    state = network.state_dict()
    for name in state:
        if not _is_of_a_codebook(name, layers):
            state[name] = tensors[name.replace(_INNER, ".")]
    network.load_state_dict(state)


def _set_bits(layer: QuantizedLayer, bits: LayerBits, scale: Tensor, clip: Tensor) -> None:
    # The widths are set by clips; the exact scale and clip are loaded over them afterwards.
    layer.set_bits(
        bits, weight_clip=scale.flatten() * weight_levels(bits.weight_bits), activation_clip=clip
    )


def _belongs_to_a_weight(name: str, layers: dict[str, QuantizedLayer]) -> bool:
    owner, _, leaf = name.rpartition(_INNER)
    return (owner in layers and leaf == "weight") or _is_of_a_codebook(name, layers)


def _is_of_a_codebook(name: str, layers: dict[str, QuantizedLayer]) -> bool:
    """Tell whether a tensor is one that a codebook stands for, or that its layer does not use."""
    for leaf in ("inner.weight", "centroids", "labels", "activation_clip", "weight_scale"):
        if name.endswith(f".{leaf}"):
            return isinstance(layers.get(name.removesuffix(f".{leaf}")), CodebookLayer)
    return False
