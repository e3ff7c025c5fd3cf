"""Fine-tuning: a quantised network learns for a while, its bits fixed; the best epoch is kept.

The float network teaches (Hinton et al. 2015). Gradients pass the rounding straight through; the
activation clips learn too (PACT, Choi et al. 2018), the weights' scales stay. Which epoch is best
is judged on the search split. Every contender, float among them, learns by the same recipe.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from engine.haq.environment import Bits, bits_of
from engine.haq.grid import set_policy
from engine.haq.subject import Subject
from engine.haq.thresholds import Thresholds
from engine.nn.folding import fold_batch_norms
from engine.nn.quantized import quantized_layers
from engine.nn.rectifiers import absorb_rectifiers
from engine.schema.config_parts import TrainingRecipe
from engine.schema.events import EpochFinished, Event
from engine.schema.policy import Policy
from engine.schema.quantize_config import QuantizeEffort
from engine.training.checkpoint import load_checkpoint, remove_checkpoint, save_checkpoint
from engine.training.distillation import Distillation
from engine.training.fit import fit
from engine.training.interrupt import Interrupt
from engine.training.seed import seed_everything
from engine.training.train import Trainer

_WEIGHT_DECAY = 4e-5


@dataclass(frozen=True, slots=True, kw_only=True)
class TunedFile:
    """Where the best epoch of one policy's fine-tuning is kept."""

    folder: Path
    bits: Bits

    @property
    def best(self) -> Path:
        """The weights of the best epoch so far, with its accuracy on the search split."""
        return self.folder / f"{self._name}.best"

    @property
    def progress(self) -> Path:
        """The training's own checkpoint."""
        return self.folder / f"{self._name}.progress"

    @property
    def done(self) -> Path:
        """A mark that the training has ended."""
        return self.folder / f"{self._name}.done"

    @property
    def _name(self) -> str:
        return hashlib.sha256(repr(self.bits).encode()).hexdigest()[:16]


def finetune(
    subject: Subject,
    policy: Policy | None,
    *,
    name: str,
    thresholds: Thresholds,
    effort: QuantizeEffort,
    seed: int,
    folder: Path,
    interrupt: Interrupt,
    span: tuple[float, float],
) -> Iterator[Event]:
    """Fine-tune the network at a policy, None: in float; `tuned_network` returns the outcome.

    Raises:
        Stopped: on request, after a checkpoint was written.
        Diverged: the loss left the finite range.
    """
    file = TunedFile(folder=folder, bits=_bits(policy))
    if file.done.exists():
        return
    network = quantized_network(subject, policy, thresholds)
    absorb_rectifiers(network)
    for layer in quantized_layers(network).values():
        layer.activation_clip.requires_grad_(effort.finetune_ranges)
    # Dropout draws from the ambient generator. Every policy learns under the same draws, whatever
    # ran before it in this process; a checkpoint in the middle of an epoch brings its own state.
    seed_everything(seed)
    trainer = Trainer(
        network,
        subject.splits.train,
        recipe=_recipe(effort),
        seed=seed,
        device=subject.device,
        limit=effort.finetune_images,
        distillation=_distillation(subject, effort),
    )
    for event in fit(
        trainer,
        stage="finetuning",
        subject=name,
        search=subject.splits.search,
        device=subject.device,
        checkpoint=file.progress,
        interrupt=interrupt,
        span=span,
    ):
        if isinstance(event, EpochFinished):
            _keep_best(file, network, event)
        yield event
    file.done.touch()
    remove_checkpoint(file.progress)


def tuned_network(
    subject: Subject, policy: Policy | None, *, thresholds: Thresholds, folder: Path
) -> nn.Module:
    """Return the network at a policy as its best epoch left it, in eval mode."""
    network = quantized_network(subject, policy, thresholds)
    best = load_checkpoint(TunedFile(folder=folder, bits=_bits(policy)).best)
    assert best is not None, "fine-tuning ends with an epoch"
    network.load_state_dict(best["model"])
    return network.eval()


def quantized_network(subject: Subject, policy: Policy | None, thresholds: Thresholds) -> nn.Module:
    """Return the float network quantised by a policy, None: by none, in eval mode."""
    network, layers = subject.quantisable()
    if policy is not None:
        set_policy(layers, policy, thresholds)
    return network


def _keep_best(file: TunedFile, network: nn.Module, event: EpochFinished) -> None:
    best = load_checkpoint(file.best)
    if best is None or event.search_accuracy > best["accuracy"]:
        save_checkpoint(
            file.best, {"model": network.state_dict(), "accuracy": event.search_accuracy}
        )


def _bits(policy: Policy | None) -> Bits:
    return () if policy is None else bits_of(policy)


def _distillation(subject: Subject, effort: QuantizeEffort) -> Distillation | None:
    if effort.finetune_distillation == 0:
        return None
    teacher, _ = subject.quantisable()
    fold_batch_norms(teacher)
    return Distillation(
        teacher=teacher,
        share=effort.finetune_distillation,
        temperature=effort.finetune_temperature,
    )


def _recipe(effort: QuantizeEffort) -> TrainingRecipe:
    return TrainingRecipe(
        epochs=effort.finetune_epochs,
        batch_size=effort.finetune_batch_size,
        learning_rate=effort.finetune_learning_rate,
        weight_decay=_WEIGHT_DECAY,
        label_smoothing=0.0,  # as in the paper's fine-tuning
    )
