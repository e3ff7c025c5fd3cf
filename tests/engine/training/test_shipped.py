"""The checkpoints that come with Bespoke are as good as they say."""

import math
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from engine.catalog.datasets import DATASETS
from engine.catalog.models import WEIGHTS, fitted_input, model_entry
from engine.data.fashion_mnist import built_in_splits
from engine.data.image_set import ImageSet
from engine.data.memory import MemoryPixels
from engine.data.splits import normalisation_for
from engine.nn.build import build_model
from engine.nn.weights import load_weights, shipped_weights
from engine.training.evaluate import evaluate
from tests.engine.toys import CPU

SHIPPED = sorted(WEIGHTS.glob("*.safetensors"))
IMAGES = 2_000


def told_by(path: Path) -> dict[str, str]:
    with safe_open(path, "pt") as file:
        metadata: dict[str, str] = file.metadata()
    return metadata


@pytest.mark.parametrize("model_id", ["mobilenet_v2_small", "mobilenet_v1_small", "resnet20"])
def test_every_small_model_starts_at_once_on_the_built_in_data(model_id: str) -> None:
    path = shipped_weights(model_id, "fashion-mnist")

    assert path is not None
    assert path.stat().st_size < 2_000_000


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_the_accuracy_that_a_file_tells_is_met_on_the_report_images(path: Path) -> None:
    told = told_by(path)
    entry, dataset = model_entry(told["model"]), DATASETS[told["dataset"]]
    input, classes = fitted_input(entry, dataset)
    report = built_in_splits()["report"]
    images = ImageSet(
        MemoryPixels(report.images[:IMAGES, None], input=input),
        torch.from_numpy(report.labels[:IMAGES]),
        normalisation=normalisation_for(entry, dataset),
    )
    model = build_model(entry.id, input=input, classes=classes)
    load_weights(model, path)

    accuracy = evaluate(model, images.batches(250), CPU).accuracy

    expected = float(told["report_accuracy"])
    standard_error = math.sqrt(expected * (1 - expected) / IMAGES)
    assert expected >= 0.9
    assert accuracy == pytest.approx(expected, abs=3 * standard_error)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_a_file_was_trained_on_the_train_images_alone(path: Path) -> None:
    told = told_by(path)

    assert (told["train_images"], told["report_images"]) == ("50000", "10000")
    assert f"{told['model']}.{told['dataset']}.safetensors" == path.name


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_the_readme_tells_what_the_files_tell(path: Path) -> None:
    told = told_by(path)
    percent = f"{float(told['report_accuracy']) * 100:.2f} %"

    rows = [line for line in (WEIGHTS / "README.md").read_text().splitlines() if path.name in line]

    assert len(rows) == 1
    assert percent in rows[0]
    assert f"| {told['epochs']} |" in rows[0]
