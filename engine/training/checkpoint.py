"""Checkpoints that survive a kill at any moment: written aside, then renamed, two generations."""

import os
import pickle
from pathlib import Path
from typing import Any

import torch

from engine.training.seed import restore_rng, rng_state

__all__ = ["load_checkpoint", "restore_rng", "rng_state", "save_checkpoint"]

State = dict[str, Any]  # Any: tensors, numbers, strings and containers of them


def save_checkpoint(path: Path, state: State) -> None:
    """Write a checkpoint; the one before it is kept as the second generation."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{path.name}.partial")
    with aside.open("wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    if path.exists():
        path.replace(_previous(path))
    aside.replace(path)
    _sync_folder(path.parent)


def load_checkpoint(path: Path) -> State | None:
    """Return the newest checkpoint that can be read; None: there is none."""
    for generation in (path, _previous(path)):
        if not generation.is_file():
            continue
        try:
            state: State = torch.load(generation, map_location="cpu", weights_only=True)
        except (RuntimeError, EOFError, OSError, ValueError, KeyError, pickle.UnpicklingError):
            continue  # cut short by a crash or a full disk: the one before it stands
        return state
    return None


def remove_checkpoint(path: Path) -> None:
    """Remove both generations of a checkpoint that is no longer needed."""
    path.unlink(missing_ok=True)
    _previous(path).unlink(missing_ok=True)


def _previous(path: Path) -> Path:
    return path.with_name(f"{path.name}.previous")


def _sync_folder(folder: Path) -> None:
    # The rename itself must reach the disk, or a power cut could undo it.
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
