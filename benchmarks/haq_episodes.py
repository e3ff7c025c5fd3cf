"""Episodes and epochs as sides of `benchmarks.haq`.

The images that score are 512, those that train 1,024.
"""

from collections.abc import Callable, Sequence

import torch
from torch import nn

from benchmarks.haq_agent import VALIDATION_IMAGES, Parts, Searching
from benchmarks.haq_networks import Quantizable, Task
from engine.data.image_set import ImageSet, Normalisation
from engine.data.memory import MemoryPixels
from engine.haq.environment import QuantizationEnvironment, Score, bits_of
from engine.nn.folding import fold_batch_norms
from engine.schema.config_parts import TrainingRecipe
from engine.schema.policy import Policy
from engine.training.distillation import Distillation
from engine.training.evaluate import evaluate
from engine.training.train import Trainer

TRAINING_IMAGES = 1_024
CPU = torch.device("cpu")


def validation_pass(task: Task) -> Callable[[], None]:
    """Return the float network's forward pass over the validation images."""
    model = task.network().eval()
    batches = torch.split(task.images(VALIDATION_IMAGES), task.batch)

    def validate() -> None:
        with torch.inference_mode():
            for images_NCHW in batches:
                model(images_NCHW)

    return validate


def episode(task: Task) -> Callable[[], Parts]:
    """Return an episode without fine-tuning; its parts are the agent's updates and the rest."""
    search = Searching(task)
    search.warm_up()
    return search.episode


def float_epoch(task: Task) -> Callable[[], None]:
    """Return an epoch of the float network, with its evaluation."""
    model, images = task.network(), training_images(task)
    validation = task.images(VALIDATION_IMAGES), task.labels(VALIDATION_IMAGES)

    def train() -> None:
        train_an_epoch(model, images, task)
        evaluate(model, validation, CPU)

    return train


def tuned_episode(task: Task) -> Callable[[], None]:
    """Return an episode whose policy learns for an epoch by labels, as in the original."""
    return tuned(task, teacher=None)


def taught_episode(task: Task) -> Callable[[], None]:
    """Return the same with the float network as a teacher, as policies are fine-tuned here."""
    teacher = task.network().eval()
    fold_batch_norms(teacher)
    return tuned(task, teacher=Distillation(teacher=teacher, share=1.0, temperature=2.0))


def tuned(task: Task, *, teacher: Distillation | None) -> Callable[[], None]:
    search = Searching(task, TuningEnvironment)
    search.warm_up()
    learner, images = Quantizable.of(task), training_images(task)
    validation = task.images(VALIDATION_IMAGES), task.labels(VALIDATION_IMAGES)

    def tune(policy: Policy) -> Score:
        model = learner.to_train(policy)
        train_an_epoch(model, images, task, distillation=teacher)
        outcome = evaluate(model, validation, CPU)
        return Score(accuracy=outcome.accuracy, loss=outcome.loss)

    search.environment.tune = tune

    def run() -> None:
        search.fresh()

    return run


class TuningEnvironment(QuantizationEnvironment):
    """Scores policies after fine-tuning, once it is told how."""

    tune: Callable[[Policy], Score] | None = None

    def scores_of(self, policies: Sequence[Policy]) -> list[Score]:
        for policy in policies:
            if self.tune is not None and not self.knows(policy):
                self.remember({bits_of(policy): self.tune(policy)})
        return super().scores_of(policies)


def training_images(task: Task) -> ImageSet:
    pixels_NCHW = torch.randint(256, (TRAINING_IMAGES, 3, task.size, task.size), dtype=torch.uint8)
    return ImageSet(
        MemoryPixels(pixels_NCHW.numpy(), input=task.input),
        task.labels(TRAINING_IMAGES),
        normalisation=Normalisation(mean=(0.5,) * 3, std=(0.5,) * 3),
    )


def train_an_epoch(
    model: nn.Module, images: ImageSet, task: Task, *, distillation: Distillation | None = None
) -> None:
    recipe = TrainingRecipe(
        epochs=1, batch_size=task.batch, learning_rate=1e-4, label_smoothing=0.0
    )
    trainer = Trainer(model, images, recipe=recipe, seed=0, device=CPU, distillation=distillation)
    for _ in trainer.steps():
        pass
