"""The search's training: the weights alone in warm-up, then weights and architecture in turn.

Cai et al. 2019, section 3 and the schedule of the released code. A learner's place is an epoch
and a batch; with its state saved there, what follows is bit for bit what would have followed.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from engine.data.image_set import ImageSet
from engine.nn.layout import lay_channels_last
from engine.proxyless.architecture_learner import ArchitectureLearner, ArchitectureStats
from engine.proxyless.schedules import architecture_steps, architecture_stride, cosine
from engine.proxyless.supernet import SuperNet
from engine.schema.errors import Diverged
from engine.schema.search_config import SearchConfig
from engine.training.checkpoint import State
from engine.training.precision import Mixed
from engine.training.seed import restore_rng, rng_state, torch_generator
from engine.training.train import EpochStats

Phase = Literal["warmup", "joint"]

_MOMENTUM = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchStep:
    """One batch learnt, and with it perhaps a step of the architecture."""

    phase: Phase
    done: int  # batches since the beginning
    epoch: int  # of the phase, from 1
    architecture: ArchitectureStats | None = None
    finished_epoch: EpochStats | None = None  # with the last batch of an epoch


class SearchLearner:
    """A supernet in training, with its optimisers and its place in the data."""

    def __init__(
        self,
        supernet: SuperNet,
        train: ImageSet,
        architecture: ArchitectureLearner,
        *,
        config: SearchConfig,
        device: torch.device,
    ) -> None:
        lay_channels_last(supernet)
        self.supernet = supernet
        self.architecture = architecture
        self.epochs_done = 0  # of both phases
        self.architecture_steps = 0
        self._train = train
        self._config = config
        self._effort = config.effort
        self._device = device
        self._mixed = Mixed(config.precision, device)
        self._generator = torch_generator(config.seed, "paths")
        self._optimiser = torch.optim.SGD(
            supernet.weight_parameters(),
            lr=config.effort.warmup_learning_rate,
            momentum=_MOMENTUM,
            nesterov=True,
            weight_decay=config.effort.weight_decay,
            foreach=device.type == "cuda",
        )
        self._stride = architecture_stride(config)
        self._batches_done = 0  # of the current epoch
        self._sums = [0.0, 0, 0]  # loss, right ones and images of the current epoch
        self.batches_an_epoch = train.batch_count(
            config.effort.batch_size, limit=config.effort.train_images
        )

    @property
    def epochs(self) -> int:
        """How many epochs both phases have."""
        return self._effort.warmup_epochs + self._effort.epochs

    @property
    def total(self) -> int:
        """How many batches both phases have."""
        return self.epochs * self.batches_an_epoch

    @property
    def done(self) -> int:
        """How many batches were learnt since the beginning."""
        return self.epochs_done * self.batches_an_epoch + self._batches_done

    @property
    def phase(self) -> Phase:
        """What the next batch belongs to."""
        return "warmup" if self.epochs_done < self._effort.warmup_epochs else "joint"

    @property
    def architecture_total(self) -> int:
        """How many steps the architecture takes in a whole search."""
        return architecture_steps(self._config, self.batches_an_epoch)

    def steps(self) -> Iterator[SearchStep]:
        """Learn from here to the end of both phases, with a pause after every batch.

        In a pause the learner's state may be saved, and networks may be judged.

        Raises:
            Diverged: a loss left the finite range; the step was not taken.
        """
        while self.epochs_done < self.epochs:
            batches = self._train.batches(
                self._effort.batch_size,
                generator=torch_generator(self._config.seed, "epoch", self.epochs_done),
                augment=True,
                limit=self._effort.train_images,
                start=self._batches_done,
            )
            for images_NCHW, labels_N in batches:
                phase, epoch = self.phase, self._epoch_of_phase()
                learning_rate = self._learn_weights(images_NCHW, labels_N)
                architecture = self._learn_architecture()
                self._batches_done += 1
                stats = None
                if self._batches_done == self.batches_an_epoch:
                    stats = self._close_epoch(epoch, learning_rate)
                yield SearchStep(
                    phase=phase,
                    done=self.done,
                    epoch=epoch,
                    architecture=architecture,
                    finished_epoch=stats,
                )

    def state(self) -> State:
        """Return all that the rest of the search depends on."""
        return {
            "supernet": self.supernet.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "architecture": self.architecture.state(),
            "architecture_steps": self.architecture_steps,
            "generator": self._generator.get_state(),
            "mixed": self._mixed.state(),
            "done": self.done,
            "epochs_done": self.epochs_done,
            "batches_done": self._batches_done,
            "sums": list(self._sums),
            "rng": rng_state(),
        }

    def restore(self, state: State) -> None:
        """Go back to where `state` was taken."""
        self.supernet.load_state_dict(state["supernet"])
        self._optimiser.load_state_dict(state["optimiser"])
        self.architecture.restore(state["architecture"])
        self.architecture_steps = state["architecture_steps"]
        self._generator.set_state(state["generator"])
        self._mixed.restore(state["mixed"])
        self.epochs_done = state["epochs_done"]
        self._batches_done = state["batches_done"]
        self._sums = list(state["sums"])
        restore_rng(state["rng"])

    def require_finite(self) -> None:
        """Refuse parameters that no search can go on from, before they are saved.

        Raises:
            Diverged: a weight or an architecture parameter is not finite.
        """
        largest = torch.stack([each.detach().abs().max() for each in self.supernet.parameters()])
        if not bool(torch.isfinite(largest).all()):
            raise Diverged(self.done, "a parameter of the supernet")

    def _learn_weights(self, images_NCHW: Tensor, labels_N: Tensor) -> float:
        learning_rate = self._learning_rate()
        for group in self._optimiser.param_groups:
            group["lr"] = learning_rate
        self.supernet.train()
        self.supernet.sample(self._generator)
        inputs_NCHW, targets_N = images_NCHW.to(self._device), labels_N.to(self._device)
        with self._mixed.autocast():
            logits_NK = self.supernet(inputs_NCHW)
            loss = functional.cross_entropy(
                logits_NK, targets_N, label_smoothing=self._effort.label_smoothing
            )
        value = loss.item()
        if not math.isfinite(value):
            raise Diverged(self.done + 1, "the supernet's loss")
        self._mixed.step(loss, self._optimiser)
        images = len(labels_N)
        self._sums[0] += value * images
        self._sums[1] += int((logits_NK.argmax(1) == targets_N).sum())
        self._sums[2] += images
        return learning_rate

    def _learn_architecture(self) -> ArchitectureStats | None:
        learning_epoch = self.epochs_done - self._effort.warmup_epochs - self._effort.frozen_epochs
        batch = learning_epoch * self.batches_an_epoch + self._batches_done
        if batch < 0 or (batch + 1) % self._stride:
            return None
        stats = self.architecture.step(self.architecture_steps)
        self.architecture_steps += 1
        return stats

    def _learning_rate(self) -> float:
        """Half a cosine over each phase; the same momentum goes through both."""
        effort, batches = self._effort, self.batches_an_epoch
        if self.phase == "warmup":
            total = effort.warmup_epochs * batches
            return cosine(self.done, total, peak=effort.warmup_learning_rate)
        start = effort.warmup_epochs * batches
        return cosine(self.done - start, effort.epochs * batches, peak=effort.weight_learning_rate)

    def _epoch_of_phase(self) -> int:
        before = 0 if self.phase == "warmup" else self._effort.warmup_epochs
        return self.epochs_done - before + 1

    def _close_epoch(self, epoch: int, learning_rate: float) -> EpochStats:
        loss, correct, images = self._sums
        self.epochs_done += 1
        self._batches_done = 0
        self._sums = [0.0, 0, 0]
        return EpochStats(
            epoch=epoch, loss=loss / images, accuracy=correct / images, learning_rate=learning_rate
        )
