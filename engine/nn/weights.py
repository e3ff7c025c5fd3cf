"""Float weights in and out of safetensors files; nothing else is ever opened."""

import os
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from engine.catalog.checkpoint_header import WEIGHT_DTYPES, TensorEntry, read_header
from engine.catalog.models import WEIGHTS
from engine.schema.errors import InvalidConfig

# Counts batches for batch norm without momentum, which no network here uses.
_OPTIONAL_SUFFIX = "num_batches_tracked"
_NAMED = 3  # tensors that a message lists before it says "and more"
_REMEDY = "choose the model and data set it was trained for"


def load_weights(model: nn.Module, path: Path) -> None:
    """Fill a network from a safetensors file; it is left as it was if anything does not fit.

    Raises:
        InvalidConfig: no such file, another format, or tensors that do not fit the network.
    """
    try:
        with path.open("rb") as file:
            entries = read_header(file)
    except OSError as error:
        raise InvalidConfig("checkpoint", f"{path} cannot be opened ({error.strerror})") from error
    expected = model.state_dict()
    _check_entries(entries, expected)
    state = load_file(path, device="cpu")
    _check_finite(state)
    expected.update(state)  # in place: it carries versions that some modules ask for
    model.load_state_dict(expected)


def save_weights(model: nn.Module, path: Path, *, metadata: Mapping[str, str]) -> None:
    """Write a network's weights, whole or not at all; `metadata` says where they come from."""
    state = {
        name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{path.name}.{os.getpid()}.partial")
    save_file(state, aside, metadata=dict(metadata))
    with aside.open("rb+") as file:
        os.fsync(file.fileno())
    aside.replace(path)


def shipped_weights(model_id: str, dataset_id: str) -> Path | None:
    """Return the file with trained weights that comes with Bespoke; None: there is none."""
    path = WEIGHTS / f"{model_id}.{dataset_id}.safetensors"
    return path if path.is_file() else None


def _check_entries(entries: Mapping[str, TensorEntry], expected: Mapping[str, Tensor]) -> None:
    required = [name for name in expected if not name.endswith(_OPTIONAL_SUFFIX)]
    missing = [name for name in required if name not in entries]
    unexpected = [name for name in entries if name not in expected]
    if missing:
        raise InvalidConfig(
            "checkpoint", f"lacks the tensors {_listed(missing)}, which the model has; {_REMEDY}"
        )
    if unexpected:
        raise InvalidConfig(
            "checkpoint",
            f"holds the tensors {_listed(unexpected)}, which the model does not have; {_REMEDY}",
        )
    for name, entry in entries.items():
        if entry.shape != tuple(expected[name].shape):
            raise InvalidConfig(
                "checkpoint",
                f"tensor {name!r} has shape {list(entry.shape)}, the model needs "
                f"{list(expected[name].shape)}; {_REMEDY}",
            )
        if expected[name].is_floating_point() and entry.dtype not in WEIGHT_DTYPES:
            raise InvalidConfig(
                "checkpoint",
                f"tensor {name!r} is {entry.dtype}; give the float weights, not quantised ones",
            )


def _check_finite(state: Mapping[str, Tensor]) -> None:
    for name, tensor in state.items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise InvalidConfig(
                "checkpoint",
                f"tensor {name!r} holds NaN or infinite values; take an earlier checkpoint",
            )


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(repr(name) for name in names[:_NAMED]) + more
