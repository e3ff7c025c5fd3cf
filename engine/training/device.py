"""The device that a run computes on."""

import torch

from engine.schema.config_parts import Device
from engine.schema.errors import InvalidConfig


def pick_device(name: Device) -> torch.device:
    """Return the device; "auto" takes a GPU where there is one.

    Raises:
        InvalidConfig: a GPU was asked for and there is none.
    """
    if name == "cpu":
        return torch.device("cpu")
    if torch.cuda.is_available():
        return torch.device("cuda")
    if name == "cuda":
        raise InvalidConfig("device", "this machine has no CUDA GPU; choose cpu or auto")
    return torch.device("cpu")
