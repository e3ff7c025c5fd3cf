"""The one door: from a config to the events of its run."""

import json
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
from engine.schema.configs import Config
from engine.schema.errors import InvalidConfig
from engine.schema.events import Event, RunFinished, RunResumed, RunStarted
from engine.schema.places import Places
from engine.schema.profile_config import ProfileConfig
from engine.schema.quantize_config import QuantizeConfig
from engine.schema.search_config import SearchConfig
from engine.training.device import pick_device
from engine.training.interrupt import Interrupt

LOG = "log.jsonl"


def run(
    config: Config, workdir: Path, *, places: Places, interrupt: Interrupt | None = None
) -> Iterator[Event]:
    """Run a search; in a working folder with checkpoints it goes on from there.

    Nothing is written outside `workdir` and the store of trained weights. The events also go
    into `artifacts/log.jsonl`, but for the last one, which holds that file's hash. A run that
    goes on from a checkpoint tells anew what followed it; the file holds such an event once.

    Raises:
        EngineError: something that the person who started the run can mend.
        Stopped: the interrupt asked for it and the checkpoint is written.
    """
    torch.set_num_threads(config.threads)
    log = workdir / FOLDER / LOG
    log.parent.mkdir(parents=True, exist_ok=True)
    events = _events(config, workdir, places=places, interrupt=interrupt or Interrupt())
    told = _told_before(log)
    with log.open("a", encoding="utf-8") as lines:
        for event in events:
            is_new = isinstance(event, RunResumed) or _timeless(to_line(event)) not in told
            if is_new and not isinstance(event, RunFinished):
                lines.write(f"{to_line(event)}\n")
                lines.flush()
            yield event


def _told_before(log: Path) -> frozenset[str]:
    """Return what earlier lives of the run told; a last line that was cut short is removed."""
    if not log.exists():
        return frozenset()
    content = log.read_text(encoding="utf-8", errors="replace")
    whole, newline, _ = content.rpartition("\n")
    if len(whole + newline) < len(content):
        log.write_text(whole + newline, encoding="utf-8")
    return frozenset(_timeless(line) for line in whole.splitlines())


def _timeless(line: str) -> str:
    """Return an event's line without the seconds left: the rest hangs on the config alone."""
    event = json.loads(line)
    event.pop("eta_s", None)
    return json.dumps(event)


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
