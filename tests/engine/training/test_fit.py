"""A training run as events."""

from pathlib import Path

import pytest
import torch
from torch import nn

from engine.data.image_set import ImageSet
from engine.schema.config_parts import TrainingRecipe
from engine.schema.events import CheckpointSaved, EpochFinished, Event, Progress
from engine.training.checkpoint import load_checkpoint
from engine.training.evaluate import evaluate
from engine.training.fit import fit
from engine.training.interrupt import Interrupt, Stopped
from engine.training.train import Trainer
from tests.engine.toys import CPU, make_toy_network

RECIPE = TrainingRecipe(epochs=2, batch_size=16, learning_rate=0.05)


def run(
    network: nn.Module,
    images: ImageSet,
    checkpoint: Path,
    *,
    stop_at: int | None = None,
    save_every_s: float = 1000.0,
) -> list[Event]:
    """The events; `stop_at` asks to stop once that many batches are done."""
    torch.manual_seed(5)
    interrupt = Interrupt()
    events: list[Event] = []
    for event in fit(
        Trainer(network, images, recipe=RECIPE, seed=0, device=CPU),
        stage="training",
        subject="float",
        search=images,
        device=CPU,
        checkpoint=checkpoint,
        interrupt=interrupt,
        span=(0.2, 0.7),
        save_every_s=save_every_s,
    ):
        events.append(event)
        if isinstance(event, Progress) and event.done == stop_at:
            interrupt.requested = "stop"
    return events


def test_every_batch_of_a_short_training_is_told_within_the_span(
    toy_images: ImageSet, toy_network: nn.Module, tmp_path: Path
) -> None:
    events = run(toy_network, toy_images, tmp_path / "c.pt")

    progress = [event for event in events if isinstance(event, Progress)]
    assert [event.done for event in progress] == list(range(1, 11))
    assert {(event.stage, event.total, event.unit) for event in progress} == {
        ("training", 10, "image batches")
    }
    assert progress[0].fraction == pytest.approx(0.25)
    assert progress[-1].fraction == pytest.approx(0.7)


def test_every_epoch_is_told_with_its_accuracy_on_the_search_images(
    toy_images: ImageSet, toy_network: nn.Module, tmp_path: Path
) -> None:
    events = run(toy_network, toy_images, tmp_path / "c.pt")

    epochs = [event for event in events if isinstance(event, EpochFinished)]
    assert [(event.epoch, event.epochs, event.subject) for event in epochs] == [
        (1, 2, "float"),
        (2, 2, "float"),
    ]
    assert epochs[-1].search_accuracy == evaluate(toy_network, toy_images.first(66), CPU).accuracy
    assert [event.step for event in events if isinstance(event, CheckpointSaved)] == [5, 10]


def test_the_same_config_gives_the_same_events(toy_images: ImageSet, tmp_path: Path) -> None:
    one = run(make_toy_network(), toy_images, tmp_path / "one.pt")
    other = run(make_toy_network(), toy_images, tmp_path / "other.pt", save_every_s=0.0)

    assert one == other  # however often the clock asks for a checkpoint


@pytest.mark.parametrize("stop_at", [1, 4, 5, 6, 9])
def test_a_stopped_training_goes_on_to_the_same_end(
    toy_images: ImageSet, tmp_path: Path, stop_at: int
) -> None:
    whole = make_toy_network()
    whole_events = run(whole, toy_images, tmp_path / "whole.pt")
    with pytest.raises(Stopped):
        run(make_toy_network(), toy_images, tmp_path / "c.pt", stop_at=stop_at)

    resumed = make_toy_network()
    rest = run(resumed, toy_images, tmp_path / "c.pt")

    assert rest == whole_events[-len(rest) :]
    assert all(
        torch.equal(tensor, resumed.state_dict()[name])
        for name, tensor in whole.state_dict().items()
    )


def test_a_request_to_finish_lets_the_training_end(
    toy_images: ImageSet, toy_network: nn.Module, tmp_path: Path
) -> None:
    trainer = Trainer(toy_network, toy_images, recipe=RECIPE, seed=0, device=CPU)

    events = list(
        fit(
            trainer,
            stage="training",
            subject="float",
            search=toy_images,
            device=CPU,
            checkpoint=tmp_path / "c.pt",
            interrupt=Interrupt(requested="finish"),
        )
    )

    assert isinstance(events[-1], CheckpointSaved)
    assert trainer.done == trainer.total


def test_the_clock_decides_how_often_work_is_saved(
    toy_images: ImageSet, toy_network: nn.Module, tmp_path: Path
) -> None:
    checkpoint = tmp_path / "c.pt"
    generator = fit(
        Trainer(toy_network, toy_images, recipe=RECIPE, seed=0, device=CPU),
        stage="training",
        subject="float",
        search=toy_images,
        device=CPU,
        checkpoint=checkpoint,
        interrupt=Interrupt(),
        save_every_s=0.0,
    )

    next(generator)
    next(generator)  # the first batch's checkpoint was written in between

    saved = load_checkpoint(checkpoint)
    assert saved is not None
    assert saved["batches_done"] == 1
