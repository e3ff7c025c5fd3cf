"""Models by id, before any network is built."""

import pytest

from engine.catalog.datasets import DATASETS
from engine.catalog.models import MODELS, fitted_input, layer_table, model_entry
from engine.schema.errors import InvalidConfig
from engine.schema.layers import InputSpec


@pytest.mark.parametrize("model_id", list(MODELS))
def test_a_catalogue_model_has_a_layer_table(model_id: str) -> None:
    table = layer_table(model_id)

    assert table is not None
    assert table.model == model_id
    assert table.input == MODELS[model_id].input


def test_a_width_makes_another_model_of_the_family() -> None:
    entry = model_entry("mobilenet_v2@0.5")

    assert (entry.id, entry.width, entry.input) == (
        "mobilenet_v2@0.5",
        0.5,
        MODELS["mobilenet_v2"].input,
    )
    assert entry.title == "MobileNetV2 (x0.5)"
    assert layer_table("mobilenet_v1@0.5") is None  # the engine is to be asked


@pytest.mark.parametrize(
    ("model_id", "message"),
    [
        ("resnet20@0.5", "has no width to choose; these have: mobilenet_v2_small@<width>"),
        ("nothing@0.5", "has no width to choose"),
        ("mobilenet_v2@0.01", "the width must lie between 0.1 and 2, got 0.01"),
        ("mobilenet_v2@9", "the width must lie between 0.1 and 2, got 9"),
        ("../../etc/passwd", "is no model; choose one of mobilenet_v2_small"),
        ("", "is no model"),
    ],
)
def test_an_id_that_no_model_can_have_is_refused(model_id: str, message: str) -> None:
    with pytest.raises(InvalidConfig, match=f"model: .*{message}"):
        model_entry(model_id)


def test_a_file_is_no_model_where_ids_come_from_outside() -> None:
    with pytest.raises(InvalidConfig, match="model: 'file:/etc/passwd' is no model"):
        layer_table("file:/etc/passwd")


def test_any_other_name_is_left_to_torchvision() -> None:
    entry = model_entry("shufflenet_v2_x1_0")

    assert entry.source == "torchvision"
    assert layer_table("shufflenet_v2_x1_0") is None


@pytest.mark.parametrize(
    ("model_id", "dataset_id", "channels", "size"),
    [
        ("mobilenet_v2_small", "fashion-mnist", 1, 32),
        ("mobilenet_v2_small", "cifar10", 3, 32),
        ("mobilenet_v2_small", "cluttered-fashion-mnist", 1, 48),
        ("mobilenet_v2", "fashion-mnist", 3, 224),
        ("efficientnet_lite0", "cifar10", 3, 224),
    ],
)
def test_small_models_follow_the_datas_images_and_large_ones_see_colour(
    model_id: str, dataset_id: str, channels: int, size: int
) -> None:
    input, classes = fitted_input(model_entry(model_id), DATASETS[dataset_id])

    assert input == InputSpec(channels=channels, size=size)
    assert classes == 10
