"""Runs on images without labels: the float network's own answers are what is to be kept."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.catalog.models import model_entry
from engine.data.fashion_mnist import built_in_splits
from engine.nn.build import build_model
from engine.nn.weights import save_weights
from engine.schema.errors import InvalidConfig
from engine.schema.layers import InputSpec
from engine.schema.results import QuantizeResult
from engine.training.seed import seed_everything
from tests.engine.tiny_run import events_of, finished, small_constants, tiny_config

COLOUR_32 = InputSpec(channels=3, size=32)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """96 pictures of clothes in a folder of their own."""
    folder = tmp_path / "clothes"
    folder.mkdir()
    for number, pixels_HW in enumerate(built_in_splits()["train"].images[:96]):
        Image.fromarray(pixels_HW.astype(np.uint8)).save(folder / f"{number:03}.png")
    return folder


def test_a_model_keeps_its_classes_and_is_held_to_its_own_answers(
    images: Path, tmp_path: Path
) -> None:
    seed_everything(3)
    model = "mobilenet_v1_small"
    network = build_model(model, input=COLOUR_32, classes=model_entry(model).classes)
    save_weights(network, tmp_path / "float.safetensors", metadata={})
    config = tiny_config(dataset=f"folder:{images}", checkpoint=str(tmp_path / "float.safetensors"))

    with small_constants():
        result = finished(config, tmp_path).result

    assert isinstance(result, QuantizeResult)
    assert not result.is_labelled
    assert result.model.classes == model_entry(model).classes
    in_float = result.contender("float").report_accuracy
    assert in_float is not None
    assert (in_float.value, in_float.images) == (1.0, 32)
    assert any("how often the float network's own answer is kept" in note for note in result.notes)


def test_images_without_labels_train_nothing(images: Path, tmp_path: Path) -> None:
    config = tiny_config(dataset=f"folder:{images}")

    with pytest.raises(InvalidConfig, match="without labels cannot train mobilenet_v1_small") as no:
        list(events_of(config, tmp_path))

    assert no.value.field == "checkpoint"
