"""A searched network as a file, loaded again without the run that found it."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import nn

from engine.catalog.architecture_file import architecture_from_json, architecture_to_json
from engine.catalog.datasets import DatasetEntry
from engine.nn.architecture_network import drawn_network
from engine.nn.weights import load_weights, save_weights
from engine.schema.architecture import Architecture
from engine.schema.errors import InvalidConfig

FORMAT = "bespoke-network/1"
_ENTRY = "network"  # a single one: the library writes several in another order every time


def save_network(
    network: nn.Module, path: Path, *, architecture: Architecture, dataset: DatasetEntry
) -> None:
    """Write a network of an architecture, and how its images are to be normalised."""
    described = {
        "format": FORMAT,
        "architecture": architecture_to_json(architecture),
        "dataset": dataset.id,
        "mean": dataset.mean,
        "std": dataset.std,
    }
    save_weights(network, path, metadata={_ENTRY: json.dumps(described)})


def load_network(path: Path | str) -> nn.Module:
    """Return the network of a search's checkpoint, in eval mode, ready to use.

    Its input are float images, N x C x H x W, normalised by the file's `mean` and `std`.

    Raises:
        InvalidConfig: the file is not one of this format, or its weights do not fit.
    """
    described = _described(path)
    if described.get("format") != FORMAT:
        raise InvalidConfig("checkpoint", f"{path} is not a network of the format {FORMAT}")
    architecture = architecture_from_json(described.get("architecture"), name=str(path))
    # The first weights are overwritten; they are drawn apart, so that no random state moves.
    network = drawn_network(architecture, generator=torch.Generator().manual_seed(0))
    load_weights(network, Path(path))
    return network.eval()


def _described(path: Path | str) -> dict[str, Any]:  # Any: JSON's own values
    """Return what the file says of itself; nothing, if it is no safetensors file."""
    try:
        with safe_open(str(path), framework="pt") as file:
            described = json.loads((file.metadata() or {}).get(_ENTRY, "{}"))
    except (SafetensorError, json.JSONDecodeError):
        return {}
    return described if isinstance(described, dict) else {}
