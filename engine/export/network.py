"""A searched network as a file, loaded again without the run that found it."""

import json
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import nn

from engine.nn.architecture_network import drawn_network
from engine.nn.weights import load_weights
from engine.schema.architecture import Architecture
from engine.schema.codec import from_json
from engine.schema.errors import InvalidConfig

FORMAT = "bespoke-network/1"


def load_network(path: Path | str) -> nn.Module:
    """Return the network of a search's checkpoint, in eval mode, ready to use.

    Its input are float images, N x C x H x W, normalised by the file's `mean` and `std`.

    Raises:
        InvalidConfig: the file is not one of this format, or its weights do not fit.
    """
    metadata = _metadata(path)
    if metadata.get("format") != FORMAT:
        raise InvalidConfig("checkpoint", f"{path} is not a network of the format {FORMAT}")
    architecture = from_json(Architecture, json.loads(metadata["architecture"]))
    # The first weights are overwritten; they are drawn apart, so that no random state moves.
    network = drawn_network(architecture, generator=torch.Generator().manual_seed(0))
    load_weights(network, Path(path))
    return network.eval()


def _metadata(path: Path | str) -> dict[str, str]:
    """Return what the file says of itself; nothing, if it is no safetensors file."""
    try:
        with safe_open(str(path), framework="pt") as file:
            return file.metadata() or {}
    except SafetensorError:
        return {}
