"""Training: it learns, and goes on from any batch as if it had not stopped."""

import copy
import math
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import nn

from engine.data.image_set import ImageSet
from engine.schema.config_parts import TrainingRecipe
from engine.schema.errors import Diverged, InvalidConfig
from engine.training.evaluate import Batch, evaluate
from engine.training.train import EpochStats, Trainer, one_cycle
from tests.engine.toys import CPU, make_toy_images, make_toy_network

RECIPE = TrainingRecipe(epochs=3, batch_size=16, learning_rate=0.05)


class RecordingImages(ImageSet):
    """The same images; keeps the batches it gave."""

    def __init__(self, images: ImageSet) -> None:
        super().__init__(images.pixels, images.labels_N, normalisation=images.normalisation)
        self.seen: list[Batch] = []

    def batches(self, *arguments: Any, **keywords: Any) -> Iterator[Batch]:
        for batch in super().batches(*arguments, **keywords):
            self.seen.append(batch)
            yield batch


def trainer_for(model: nn.Module, images: ImageSet, **changes: int) -> Trainer:
    return Trainer(model, images, recipe=RECIPE, seed=0, device=CPU, **changes)


def test_a_toy_task_is_learnt(toy_images: ImageSet, toy_network: nn.Module) -> None:
    recipe = TrainingRecipe(epochs=15, batch_size=16, learning_rate=0.05)
    trainer = Trainer(toy_network, toy_images, recipe=recipe, seed=0, device=CPU)

    epochs = [step.finished_epoch for step in trainer.steps() if step.finished_epoch]

    assert [stats.epoch for stats in epochs] == list(range(1, 16))
    assert epochs[-1].loss < epochs[0].loss
    assert evaluate(toy_network, make_toy_images(100, seed=1).first(100), CPU).accuracy > 0.95


def test_steps_count_to_the_end_of_the_recipe(toy_images: ImageSet, toy_network: nn.Module) -> None:
    steps = list(trainer_for(toy_network, toy_images).steps())

    # 66 images in batches of 16 leave a rest of two, which batch norm can take.
    assert [step.done for step in steps] == list(range(1, 16))
    assert {step.total for step in steps} == {15}
    assert [step.done for step in steps if step.finished_epoch] == [5, 10, 15]


def test_a_limit_shortens_the_epoch(toy_images: ImageSet, toy_network: nn.Module) -> None:
    assert trainer_for(toy_network, toy_images, limit=32).total == 3 * 2


@pytest.mark.parametrize("kill_at", range(1, 15))
def test_a_training_resumed_after_any_batch_ends_bit_for_bit_the_same(
    toy_images: ImageSet, kill_at: int
) -> None:
    whole = make_toy_network()
    torch.manual_seed(5)
    whole_stats = [step.finished_epoch for step in trainer_for(whole, toy_images).steps()]
    torch.manual_seed(5)
    killed = trainer_for(make_toy_network(), toy_images)
    torch.manual_seed(5)
    for step in killed.steps():
        if step.done == kill_at:
            break
    state = copy.deepcopy(killed.state())

    torch.manual_seed(99)  # the new process's dropout must not depend on its own seed
    resumed_network = make_toy_network()
    torch.manual_seed(98)
    resumed = trainer_for(resumed_network, toy_images)
    resumed.restore(state)
    resumed_stats = [step.finished_epoch for step in resumed.steps()]

    assert resumed_stats == whole_stats[kill_at:]
    for name, tensor in whole.state_dict().items():
        assert torch.equal(tensor, resumed_network.state_dict()[name])


def test_another_seed_takes_another_course(toy_images: ImageSet) -> None:
    networks = []
    for seed in (0, 1):
        network = make_toy_network()
        trainer = Trainer(network, toy_images, recipe=RECIPE, seed=seed, device=CPU)
        list(trainer.steps())
        networks.append(network)

    assert not torch.equal(networks[0][0].weight, networks[1][0].weight)


def test_one_step_is_sgd_with_nesterov_momentum_written_out(toy_images: ImageSet) -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 2))
    by_hand = copy.deepcopy(network)
    recipe = TrainingRecipe(
        epochs=1, batch_size=33, learning_rate=0.1, weight_decay=0.01, label_smoothing=0.2
    )
    images = RecordingImages(toy_images)

    steps = Trainer(network, images, recipe=recipe, seed=0, device=CPU).steps()
    next(steps)

    (images_NCHW, labels_N), *_ = images.seen
    targets_NK = torch.full((33, 2), 0.1).scatter(1, labels_N[:, None], 0.9)
    loss = -(targets_NK * by_hand(images_NCHW).log_softmax(1)).sum(1).mean()
    loss.backward()
    rate = one_cycle(0, 2, peak=0.1)
    weight, bias = by_hand[1].weight, by_hand[1].bias
    gradient = weight.grad + 0.01 * weight  # decay on weights, none on biases
    # The first velocity is the gradient itself; Nesterov looks one step ahead.
    assert torch.allclose(network[1].weight, weight - rate * (gradient + 0.9 * gradient))
    assert torch.allclose(network[1].bias, bias - rate * (bias.grad + 0.9 * bias.grad))


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (0, 0.2 / 25),
        (25, 0.2),
        (12.5, 0.2 * (1 / 25 + 1) / 2),
        (62.5, 0.2 * (1 / 1000 + 1) / 2),
        (100, 0.2 / 1000),
    ],
    ids=["start", "peak", "half way up", "half way down", "end"],
)
def test_the_learning_rate_runs_one_cycle(step: float, expected: float) -> None:
    assert one_cycle(step, 100, peak=0.2) == pytest.approx(expected)


@pytest.mark.parametrize("total", [1, 2, 3])
def test_the_shortest_trainings_have_a_learning_rate_too(total: int) -> None:
    rates = [one_cycle(step, total, peak=0.2) for step in range(total)]

    assert all(math.isfinite(rate) and 0 < rate <= 0.2 for rate in rates)


def test_a_loss_that_leaves_the_finite_range_stops_with_its_step(toy_images: ImageSet) -> None:
    recipe = TrainingRecipe(epochs=3, batch_size=16, learning_rate=1e20)
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.Linear(8, 2))

    with pytest.raises(Diverged, match=r"training loss is not finite at step .*lower the learning"):
        list(Trainer(network, toy_images, recipe=recipe, seed=0, device=CPU).steps())


def test_a_single_image_cannot_be_trained_on(toy_network: nn.Module) -> None:
    with pytest.raises(InvalidConfig, match="single image"):
        trainer_for(toy_network, make_toy_images(1))


def test_the_epochs_statistics_are_means_over_its_images(
    toy_images: ImageSet,
) -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 2))
    recipe = TrainingRecipe(epochs=1, batch_size=16, learning_rate=1e-12, label_smoothing=0.0)
    images = RecordingImages(toy_images)

    (stats,) = [
        step.finished_epoch
        for step in Trainer(network, images, recipe=recipe, seed=0, device=CPU).steps()
        if step.finished_epoch
    ]

    expected = evaluate(network, images.seen, CPU)  # at this rate nothing moves
    assert isinstance(stats, EpochStats)
    assert stats.accuracy == expected.accuracy
    assert stats.loss == pytest.approx(expected.loss, rel=1e-5)
