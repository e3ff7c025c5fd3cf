"""Training: SGD with Nesterov momentum on a one-cycle schedule (Smith and Topin 2018).

A trainer's place is an epoch and a batch; with its state saved there, what follows is bit for bit
what would have followed.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.data.image_set import ImageSet
from engine.nn.layout import lay_channels_last
from engine.schema.config_parts import TrainingRecipe
from engine.schema.errors import Diverged, InvalidConfig
from engine.schema.search_config import Precision
from engine.training.checkpoint import State
from engine.training.distillation import Distillation
from engine.training.precision import Mixed
from engine.training.seed import restore_rng, rng_state, torch_generator

_MOMENTUM = 0.9
_RISE = 0.25  # share of the steps in which the learning rate climbs
_START, _END = 1 / 25, 1 / 1000  # of the peak


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochStats:
    """How an epoch went on the images it learnt from, while it learnt."""

    epoch: int  # from 1
    loss: float  # as it was learnt by, in nats
    accuracy: float
    learning_rate: float  # of the last batch


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One batch learnt."""

    done: int  # batches since the beginning of the recipe
    total: int  # batches of the whole recipe
    finished_epoch: EpochStats | None = None  # with the last batch of an epoch


class Trainer:
    """A network in training, with its optimiser and its place in the data."""

    def __init__(
        self,
        model: nn.Module,
        images: ImageSet,
        *,
        recipe: TrainingRecipe,
        seed: int,
        device: torch.device,
        limit: int | None = None,
        precision: Precision = "fp32",
        distillation: Distillation | None = None,
    ) -> None:
        self.model = model.to(device)
        lay_channels_last(model)
        self.recipe = recipe
        self.epochs_done = 0
        self.batches_an_epoch = images.batch_count(recipe.batch_size, limit=limit)
        self._images = images
        self._limit = limit
        self._seed = seed
        self._device = device
        self._optimiser = _optimiser(model, recipe)
        self._mixed = Mixed(precision, device)
        self._distillation = distillation
        self._batches_done = 0  # of the current epoch
        self._sums = _Sums()
        if self.batches_an_epoch == 0:
            raise InvalidConfig(
                "dataset", "has a single image to train on; at least two are needed"
            )

    @property
    def total(self) -> int:
        """How many batches the whole recipe has."""
        return self.recipe.epochs * self.batches_an_epoch

    @property
    def done(self) -> int:
        """How many batches were learnt since the beginning."""
        return self.epochs_done * self.batches_an_epoch + self._batches_done

    def steps(self) -> Iterator[Step]:
        """Learn from here to the end of the recipe, with a pause after every batch.

        In a pause the trainer's state may be saved, and the network may be evaluated.

        Raises:
            Diverged: the loss left the finite range.
        """
        while self.epochs_done < self.recipe.epochs:
            batches = self._images.batches(
                self.recipe.batch_size,
                generator=torch_generator(self._seed, "epoch", self.epochs_done),
                augment=True,
                limit=self._limit,
                start=self._batches_done,
            )
            for images_NCHW, labels_N in batches:
                learning_rate = self._learn(images_NCHW, labels_N)
                self._batches_done += 1
                stats = None
                if self._batches_done == self.batches_an_epoch:
                    stats = self._close_epoch(learning_rate)
                yield Step(done=self.done, total=self.total, finished_epoch=stats)

    def state(self) -> State:
        """Return all that the rest of the training depends on."""
        return {
            "model": self.model.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "epochs_done": self.epochs_done,
            "batches_done": self._batches_done,
            "mixed": self._mixed.state(),
            "sums": [self._sums.loss, self._sums.correct, self._sums.images],
            "rng": rng_state(),
        }

    def restore(self, state: State) -> None:
        """Go back to where `state` was taken."""
        self.model.load_state_dict(state["model"])
        self._optimiser.load_state_dict(state["optimiser"])
        self.epochs_done = state["epochs_done"]
        self._batches_done = state["batches_done"]
        self._mixed.restore(state.get("mixed", {}))
        loss, correct, images = state["sums"]
        self._sums = _Sums(loss=loss, correct=correct, images=images)
        restore_rng(state["rng"])

    def _learn(self, images_NCHW: Tensor, labels_N: Tensor) -> float:
        learning_rate = one_cycle(self.done, self.total, peak=self.recipe.learning_rate)
        for group in self._optimiser.param_groups:
            group["lr"] = learning_rate
        self.model.train()
        inputs_NCHW = images_NCHW.to(self._device)
        targets_N = labels_N.to(self._device)
        with self._mixed.autocast():
            logits_NK = self.model(inputs_NCHW)
            loss = functional.cross_entropy(
                logits_NK, targets_N, label_smoothing=self.recipe.label_smoothing
            )
            if self._distillation is not None:
                loss = self._distillation.blended(loss, logits_NK, inputs_NCHW)
        value = loss.item()
        if not math.isfinite(value):
            raise Diverged(self.done + 1, "the training loss")
        self._mixed.step(loss, self._optimiser)
        self._sums.add(value, int((logits_NK.argmax(1) == targets_N).sum()), len(labels_N))
        return learning_rate

    def _close_epoch(self, learning_rate: float) -> EpochStats:
        self.epochs_done += 1
        self._batches_done = 0
        stats = EpochStats(
            epoch=self.epochs_done,
            loss=self._sums.loss / self._sums.images,
            accuracy=self._sums.correct / self._sums.images,
            learning_rate=learning_rate,
        )
        self._sums = _Sums()
        return stats


@dataclass(slots=True)
class _Sums:
    """Over the images of the current epoch so far."""

    loss: float = 0.0
    correct: int = 0
    images: int = 0

    def add(self, mean_loss: float, correct: int, images: int) -> None:
        self.loss += mean_loss * images
        self.correct += correct
        self.images += images


def one_cycle(step: int, total: int, *, peak: float) -> float:
    """Return the learning rate of a step: a line up to the peak, then half a cosine down."""
    rise = max(1.0, total * _RISE)
    if step < rise:
        return peak * (_START + (1 - _START) * step / rise)
    share = (step - rise) / max(1.0, total - rise)
    return peak * (_END + (1 - _END) * (1 + math.cos(math.pi * share)) / 2)


def _optimiser(model: nn.Module, recipe: TrainingRecipe) -> torch.optim.SGD:
    # Decay pulls on weights alone: on batch norm and biases it only costs accuracy.
    learnt = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups = [
        {"params": [p for p in learnt if p.dim() > 1], "weight_decay": recipe.weight_decay},
        {"params": [p for p in learnt if p.dim() <= 1], "weight_decay": 0.0},
    ]
    # One kernel for all tensors saves launches on a GPU; on a CPU it gains nothing.
    return torch.optim.SGD(
        groups,
        lr=recipe.learning_rate,
        momentum=_MOMENTUM,
        nesterov=True,
        foreach=learnt[0].is_cuda,
    )
