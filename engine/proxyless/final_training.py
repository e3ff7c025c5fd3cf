"""Training of the found network and its baselines: one recipe, the same images, one after another.

The last epoch is what is kept: to choose an epoch by the search images would favour whichever
network has the luckier ones.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from engine.nn.architecture_network import drawn_network
from engine.nn.depthwise import quicken_depthwise
from engine.proxyless.finalists import Finalist
from engine.proxyless.record import RunState
from engine.proxyless.subject import Subject
from engine.proxyless.supernet import SuperNet
from engine.schema.events import EpochFinished, Event
from engine.schema.search_config import SearchConfig
from engine.training.checkpoint import load_checkpoint, remove_checkpoint, save_checkpoint
from engine.training.fit import fit
from engine.training.interrupt import Interrupt
from engine.training.plan import Plan
from engine.training.seed import seed_everything, torch_generator
from engine.training.train import Trainer


@dataclass(frozen=True, slots=True, kw_only=True)
class FinalFiles:
    """Where one network's training is kept."""

    folder: Path
    id: str

    @property
    def progress(self) -> Path:
        """The training's own checkpoint."""
        return self.folder / f"{self.id}.progress"

    @property
    def trained(self) -> Path:
        """The weights, once it is over, with the accuracy on search images."""
        return self.folder / f"{self.id}.trained"


def train_finalists(
    rows: tuple[Finalist, ...],
    *,
    config: SearchConfig,
    subject: Subject,
    supernet: SuperNet,
    folder: Path,
    state: RunState,
    save_state: Callable[[], None],
    plan: Plan,
    interrupt: Interrupt,
) -> Iterator[Event]:
    """Train what is left of the list; asked to finish, only what has begun, and the first.

    Raises:
        Stopped: on request, after a checkpoint was written.
        Diverged: a loss left the finite range.
    """
    for index, row in enumerate(rows):
        files = FinalFiles(folder=folder, id=row.id)
        if files.trained.exists():
            continue
        state.is_hurried |= interrupt.finishes
        if state.is_hurried and index > 0 and not files.progress.exists():
            continue
        part = (index / len(rows), (index + 1) / len(rows))
        started = time.monotonic()
        try:
            yield from _train(
                row,
                config=config,
                subject=subject,
                supernet=supernet,
                files=files,
                span=plan.span("finetuning", part),
                interrupt=interrupt,
            )
        finally:
            spent = state.training_seconds.get(row.id, 0.0)
            state.training_seconds[row.id] = spent + time.monotonic() - started
            save_state()
        remove_checkpoint(files.progress)


def trained_network(row: Finalist, *, supernet: SuperNet, files: FinalFiles) -> nn.Module:
    """Return a network as its training left it, in eval mode, on the CPU."""
    network = _network(row, supernet=supernet, seed=0, inherits=False)
    saved = load_checkpoint(files.trained)
    assert saved is not None, "its training is over"
    network.load_state_dict(saved["model"])
    return network.eval()


def trained_search_accuracy(files: FinalFiles) -> float:
    """Return the accuracy on search images after the last epoch, 0-1."""
    saved = load_checkpoint(files.trained)
    assert saved is not None, "its training is over"
    accuracy: float = saved["search_accuracy"]
    return accuracy


def _train(
    row: Finalist,
    *,
    config: SearchConfig,
    subject: Subject,
    supernet: SuperNet,
    files: FinalFiles,
    span: tuple[float, float],
    interrupt: Interrupt,
) -> Iterator[Event]:
    inherits = config.starting_weights == "inherited" and row.choices is not None
    network = _network(row, supernet=supernet, seed=config.seed, inherits=inherits)
    quicken_depthwise(network)
    # Whatever draws from the ambient generator draws the same for every network.
    seed_everything(config.seed)
    trainer = Trainer(
        network,
        subject.train,
        recipe=config.recipe,
        seed=config.seed,
        device=subject.device,
        limit=config.effort.final_images,
        precision=config.precision,
    )
    accuracy = 0.0
    for event in fit(
        trainer,
        stage="finetuning",
        subject=row.id,
        search=subject.search,
        device=subject.device,
        checkpoint=files.progress,
        interrupt=interrupt,
        span=span,
    ):
        if isinstance(event, EpochFinished):
            accuracy = event.search_accuracy
            if event.epoch == event.epochs:
                save_checkpoint(
                    files.trained, {"model": network.state_dict(), "search_accuracy": accuracy}
                )
        yield event


def _network(row: Finalist, *, supernet: SuperNet, seed: int, inherits: bool) -> nn.Module:
    generator = torch_generator(seed, "weights", row.id)
    if row.choices is None:
        return drawn_network(row.architecture, generator=generator)
    if inherits:
        return supernet.inherit(row.choices)
    return supernet.plain(row.choices, generator)
