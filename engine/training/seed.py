"""All randomness of a run comes from its seed, through streams that do not touch one another."""

import hashlib
import random
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch


def seed_everything(seed: int) -> None:
    """Seed the ambient generators, which draw initial weights and dropout."""
    random.seed(seed)
    np.random.seed(seed)  # libraries draw from the global one
    torch.manual_seed(seed)


def stream_seed(seed: int, *names: str | int) -> int:
    """Return the seed of a named stream: another name, another stream; 63 bits."""
    text = ":".join(str(part) for part in (seed, *names))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def torch_generator(seed: int, *names: str | int) -> torch.Generator:
    """Return a CPU generator of its own for a named stream."""
    generator = torch.Generator()
    generator.manual_seed(stream_seed(seed, *names))
    return generator


def numpy_generator(seed: int, *names: str | int) -> np.random.Generator:
    """Return a numpy generator of its own for a named stream."""
    return np.random.default_rng(stream_seed(seed, *names))


def rng_state() -> dict[str, Any]:  # Any: tensors, numbers and tuples, as torch.save takes them
    """Return the state of the ambient generators, of kinds that load without pickle's classes."""
    numpy_state = np.random.get_state(legacy=False)
    twister = numpy_state["state"]
    state: dict[str, Any] = {
        "python": random.getstate(),
        "numpy": {
            "key": torch.from_numpy(twister["key"].astype(np.int64)),
            "position": int(twister["pos"]),
            "has_gauss": int(numpy_state["has_gauss"]),
            "gauss": float(numpy_state["gauss"]),
        },
        "torch": torch.get_rng_state(),
    }
    if torch.cuda.is_available():
        state["cuda"] = torch.cuda.get_rng_state_all()
    return state


def restore_rng(state: Mapping[str, Any]) -> None:
    """Put the ambient generators back where `rng_state` found them."""
    random.setstate(state["python"])
    saved = state["numpy"]
    key = saved["key"].numpy().astype(np.uint32)
    np.random.set_state(("MT19937", key, saved["position"], saved["has_gauss"], saved["gauss"]))
    torch.set_rng_state(state["torch"])
    if torch.cuda.is_available() and "cuda" in state:
        torch.cuda.set_rng_state_all(state["cuda"])
