"""The one door: from a config to the events of its run."""

import platform
from collections.abc import Iterator
from pathlib import Path

import torch

from engine.export.files import FOLDER
from engine.haq.quantize import quantize
from engine.haq.record import RunState, hash_of
from engine.haq.subject import TRAINING_CHECKPOINT
from engine.schema.codec import digest, to_line
from engine.schema.configs import Config
from engine.schema.errors import InvalidConfig
from engine.schema.events import Event, RunFinished, RunResumed, RunStarted
from engine.schema.places import Places
from engine.training.checkpoint import load_checkpoint
from engine.training.device import pick_device
from engine.training.interrupt import Interrupt

LOG = "log.jsonl"


def run(
    config: Config, workdir: Path, *, places: Places, interrupt: Interrupt | None = None
) -> Iterator[Event]:
    """Run a search; in a working folder with checkpoints it goes on from there.

    Nothing is written outside `workdir` and the store of trained weights. The events also go
    into `artifacts/log.jsonl`, but for the last one, which holds that file's hash.

    Raises:
        EngineError: something that the person who started the run can mend.
        Stopped: the interrupt asked for it and the checkpoint is written.
    """
    torch.set_num_threads(config.threads)
    log = workdir / FOLDER / LOG
    log.parent.mkdir(parents=True, exist_ok=True)
    events = quantize(config, workdir, places=places, interrupt=interrupt or Interrupt())
    with log.open("a", encoding="utf-8") as lines:
        for event in _with_first(config, workdir, events):
            if not isinstance(event, RunFinished):
                lines.write(f"{to_line(event)}\n")
                lines.flush()
            yield event


def _with_first(config: Config, workdir: Path, events: Iterator[Event]) -> Iterator[Event]:
    """Yield how the run begins, then its events."""
    state = RunState.load(workdir / "search.checkpoint")
    if state is not None and state.config_hash != hash_of(config):
        raise InvalidConfig("workdir", f"{workdir} holds a run of another config; give a new one")
    if state is not None:
        yield _resumed(state)
    elif training := load_checkpoint(workdir / TRAINING_CHECKPOINT):
        yield RunResumed(stage="training", step=training["epochs_done"])
    else:
        yield RunStarted(
            config_hash=digest(config),
            device=str(pick_device(config.device)),
            versions={"python": platform.python_version(), "torch": torch.__version__},
        )
    yield from events


def _resumed(state: RunState) -> RunResumed:
    if state.records:
        steps = sum(record.steps for record in state.records.values())
        return RunResumed(stage="searching", step=steps)
    return RunResumed(stage="sensitivity", step=len(state.sensitivities))
