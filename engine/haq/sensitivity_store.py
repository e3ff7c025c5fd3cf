"""Sensitivities that earlier runs measured, kept beside the float weights.

A file is named by all that its numbers hang on: the weights, the images, the widths and how they
are rounded and measured. So nothing is ever out of date; what a newer version would measure
differently, it must name differently (`_VERSION`).
"""

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path

from torch import nn

from engine.data.splits import Splits
from engine.schema.codec import from_json, to_json
from engine.schema.errors import InvalidConfig
from engine.schema.layers import ModelSpec
from engine.schema.places import Places
from engine.schema.quantize_config import QuantizeConfig
from engine.schema.results import LayerSensitivity

_VERSION = 1
_FOLDER = "sensitivity"


def kept_file(
    config: QuantizeConfig, spec: ModelSpec, network: nn.Module, splits: Splits, places: Places
) -> Path:
    """Return where the sensitivities of these weights, images and settings are kept."""
    depends_on = {
        "version": _VERSION,
        "layers": spec.model_hash,
        "weights": _weights_hash(network),
        "images": [splits.train.fingerprint, splits.search.fingerprint],
        "counts": [config.effort.calibration_images, config.effort.sensitivity_images],
        "measure": config.sensitivity,
        "quantizer": config.quantizer,
        "widths": [config.weight_bits, config.policy_activation_bits],
        "rounding": [config.clipping, config.granularity],
        "seed": config.seed if config.sensitivity == "hessian" else None,  # draws signs
    }
    key = hashlib.sha256(json.dumps(depends_on, sort_keys=True).encode()).hexdigest()[:24]
    return places.weights_store / _FOLDER / f"{spec.model}.{key}.json"


def kept(path: Path) -> list[LayerSensitivity]:
    """Return what is kept in a file; nothing where there is none, or none that can be read."""
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        return [from_json(LayerSensitivity, row) for row in rows]
    except (OSError, ValueError, TypeError, InvalidConfig):
        return []


def keep(path: Path, sensitivities: Sequence[LayerSensitivity]) -> None:
    """Write all layers' sensitivities, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{path.name}.{os.getpid()}.partial")
    rows = [to_json(one) for one in sensitivities]
    aside.write_text(json.dumps(rows, allow_nan=False), encoding="utf-8")
    aside.replace(path)


def _weights_hash(network: nn.Module) -> str:
    digest = hashlib.sha256()
    for name, tensor in network.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
