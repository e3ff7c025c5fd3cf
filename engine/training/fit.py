"""A training run as events: progress, epochs, checkpoints; stopped and resumed at any batch."""

import time
from collections.abc import Iterator
from pathlib import Path

import torch

from engine.data.image_set import ImageSet
from engine.schema.events import CheckpointSaved, EpochFinished, Event, Progress, Stage
from engine.training.checkpoint import load_checkpoint, save_checkpoint
from engine.training.evaluate import evaluate
from engine.training.interrupt import Interrupt, Stopped
from engine.training.train import EpochStats, Trainer

SEARCH_IMAGES = 2_000  # that judge an epoch; the built-in data have as many
_SAVE_EVERY_S = 10.0  # the most work that a kill can cost
_PROGRESS_EVENTS = 200  # over a whole training
_EVALUATION_BATCH = 128


def fit(
    trainer: Trainer,
    *,
    stage: Stage,
    subject: str,
    search: ImageSet,
    device: torch.device,
    checkpoint: Path,
    interrupt: Interrupt,
    span: tuple[float, float] = (0.0, 1.0),
    save_every_s: float = _SAVE_EVERY_S,
) -> Iterator[Event]:
    """Train to the end of the recipe, from the checkpoint if there is one.

    `span` is the part of the whole run's progress that this training fills. The checkpoint stays;
    whoever keeps the trained weights removes it.

    Raises:
        Stopped: on request, after the checkpoint was written.
        Diverged: the loss left the finite range.
    """
    saved = load_checkpoint(checkpoint)
    if saved is not None:
        trainer.restore(saved)
    stride = max(1, trainer.total // _PROGRESS_EVENTS)
    saved_at = time.monotonic()
    for step in trainer.steps():
        if step.done % stride == 0 or step.done == step.total:
            yield _progress(stage, step.done, step.total, span)
        if step.finished_epoch is not None:
            yield _epoch(
                trainer,
                step.finished_epoch,
                stage=stage,
                subject=subject,
                search=search,
                device=device,
            )
        # Timed ones are not told: the same config must give the same events.
        is_due = time.monotonic() - saved_at >= save_every_s
        if step.finished_epoch is not None or is_due or interrupt.stops:
            save_checkpoint(checkpoint, trainer.state())
            saved_at = time.monotonic()
        if step.finished_epoch is not None:
            yield CheckpointSaved(stage=stage, step=step.done)
        if interrupt.stops:
            raise Stopped


def _progress(stage: Stage, done: int, total: int, span: tuple[float, float]) -> Progress:
    low, high = span
    fraction = low + (high - low) * done / total
    return Progress(stage=stage, done=done, total=total, unit="image batches", fraction=fraction)


def _epoch(
    trainer: Trainer,
    stats: EpochStats,
    *,
    stage: Stage,
    subject: str,
    search: ImageSet,
    device: torch.device,
) -> EpochFinished:
    batches = search.batches(_EVALUATION_BATCH, limit=SEARCH_IMAGES)
    return EpochFinished(
        stage=stage,
        subject=subject,
        epoch=stats.epoch,
        epochs=trainer.recipe.epochs,
        train_loss=stats.loss,
        train_accuracy=stats.accuracy,
        search_accuracy=evaluate(trainer.model, batches, device).accuracy,
        learning_rate=stats.learning_rate,
    )
