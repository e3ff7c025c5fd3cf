"""The one door: from a config to the events of its run."""

import platform
from collections.abc import Iterator
from pathlib import Path

import torch

from engine.export.files import FOLDER
from engine.haq.quantize import quantize
from engine.haq.resumption import quantize_resumed
from engine.profiling.profile import profile
from engine.proxyless.resumption import search_resumed
from engine.proxyless.search import search
from engine.schema.codec import digest, to_line
from engine.schema.configs import Config, QuantizeConfig, SearchConfig
from engine.schema.errors import InvalidConfig
from engine.schema.events import Event, RunFinished, RunStarted
from engine.schema.places import Places
from engine.schema.profile_config import ProfileConfig
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
    events = _events(config, workdir, places=places, interrupt=interrupt or Interrupt())
    with log.open("a", encoding="utf-8") as lines:
        for event in events:
            if not isinstance(event, RunFinished):
                lines.write(f"{to_line(event)}\n")
                lines.flush()
            yield event


def _events(
    config: Config, workdir: Path, *, places: Places, interrupt: Interrupt
) -> Iterator[Event]:
    """Yield how the run begins, then what its algorithm tells: one branch for each."""
    match config:
        case QuantizeConfig():
            yield quantize_resumed(config, workdir) or _started(config)
            yield from quantize(config, workdir, places=places, interrupt=interrupt)
        case ProfileConfig():
            yield from profile(config, workdir, interrupt=interrupt)
        case SearchConfig():
            yield search_resumed(config, workdir) or _started(config)
            yield from search(config, workdir, places=places, interrupt=interrupt)
        case _:
            raise InvalidConfig("kind", f"{config.kind} cannot be run by this version")


def _started(config: Config) -> RunStarted:
    return RunStarted(
        config_hash=digest(config),
        device=str(pick_device(config.device)),
        versions={"python": platform.python_version(), "torch": torch.__version__},
    )
