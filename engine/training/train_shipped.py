"""`python -m engine.training.train_shipped MODEL EPOCHS`: train a checkpoint that ships.

Trains on the full Fashion-MNIST's train part alone, measures on its 10,000 report images, and
writes both into the file's metadata. Started again, it goes on from where it was stopped.
"""

import argparse
import logging
from pathlib import Path

import torch

from engine.catalog.datasets import dataset_entry
from engine.catalog.models import WEIGHTS, fitted_input, model_entry
from engine.data.fashion_mnist import OFFICIAL_TEST, TRAIN
from engine.data.splits import Splits, load_splits
from engine.nn.build import build_model
from engine.nn.weights import save_weights
from engine.schema.config_parts import TrainingRecipe
from engine.schema.events import EpochFinished
from engine.training.checkpoint import remove_checkpoint
from engine.training.evaluate import Evaluation, evaluate
from engine.training.fit import fit
from engine.training.interrupt import Interrupt
from engine.training.seed import seed_everything
from engine.training.train import Trainer

_DATASET = "fashion-mnist"
_SEED = 0
_CPU = torch.device("cpu")
_log = logging.getLogger(__name__)


def train_shipped(model_id: str, *, recipe: TrainingRecipe, data_root: Path, workdir: Path) -> None:
    """Train one model and put its checkpoint where `shipped_weights` finds it."""
    input, classes = fitted_input(model_entry(model_id), dataset_entry(_DATASET))
    splits = load_splits(_DATASET, input=input, data_root=data_root)
    if (len(splits.train), len(splits.report)) != (TRAIN, OFFICIAL_TEST):
        raise SystemExit(f"The full Fashion-MNIST is needed. {splits.notes[0]}")
    seed_everything(_SEED)
    model = build_model(model_id, input=input, classes=classes)
    trainer = Trainer(model, splits.train, recipe=recipe, seed=_SEED, device=_CPU)
    checkpoint = workdir / f"{model_id}.{recipe.epochs}.pt"
    for event in fit(
        trainer,
        stage="training",
        subject="float",
        search=splits.search,
        device=_CPU,
        checkpoint=checkpoint,
        interrupt=Interrupt(),
    ):
        if isinstance(event, EpochFinished):
            _log.info("%s", event)
    report = evaluate(model, splits.report.batches(256), _CPU)
    path = WEIGHTS / f"{model_id}.{_DATASET}.safetensors"
    save_weights(model, path, metadata=_metadata(model_id, recipe, splits, report))
    remove_checkpoint(checkpoint)
    _log.info("%s: %s", path, report)


def _metadata(
    model_id: str, recipe: TrainingRecipe, splits: Splits, report: Evaluation
) -> dict[str, str]:
    return {
        "model": model_id,
        "dataset": _DATASET,
        "train_images": str(len(splits.train)),
        "report_images": str(report.images),
        "report_accuracy": f"{report.accuracy:.4f}",
        "report_loss": f"{report.loss:.4f}",
        "seed": str(_SEED),
        "epochs": str(recipe.epochs),
        "batch_size": str(recipe.batch_size),
        "learning_rate": str(recipe.learning_rate),
        "weight_decay": str(recipe.weight_decay),
        "label_smoothing": str(recipe.label_smoothing),
    }


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("epochs", type=int)
    parser.add_argument("--data-root", type=Path, default=Path("var/data"))
    parser.add_argument("--workdir", type=Path, default=Path("var/shipped"))
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(1)
    train_shipped(
        arguments.model,
        recipe=TrainingRecipe(epochs=arguments.epochs),
        data_root=arguments.data_root,
        workdir=arguments.workdir,
    )


if __name__ == "__main__":
    _main()
