"""Networks by name."""

import pytest
import torch
from torch import nn

from engine.catalog.models import MODELS
from engine.nn.build import build_model
from engine.schema.errors import InvalidConfig
from engine.schema.layers import InputSpec

GREY_32 = InputSpec(channels=1, size=32)
COLOUR_224 = InputSpec(channels=3, size=224)


@pytest.mark.parametrize("model_id", [entry.id for entry in MODELS.values() if entry.small])
def test_a_small_model_takes_the_data_sets_channels_and_classes(model_id: str) -> None:
    model = build_model(model_id, input=GREY_32, classes=7)

    assert model(torch.zeros(2, 1, 32, 32)).shape == (2, 7)


def test_a_torchvision_name_gives_torchvisions_network_with_that_many_classes() -> None:
    model = build_model("shufflenet_v2_x0_5", input=COLOUR_224, classes=7)

    assert type(model).__name__ == "ShuffleNetV2"
    assert model(torch.zeros(2, 3, 64, 64)).shape == (2, 7)


@pytest.mark.parametrize("model_id", ["googlenet", "inception_v3"])
def test_auxiliary_heads_are_left_out(model_id: str) -> None:
    with torch.device("meta"):
        model = build_model(model_id, input=COLOUR_224, classes=7)

    assert not [name for name, _ in model.named_modules() if "aux" in name.lower()]


def test_an_unknown_name_is_refused_with_what_comes_close() -> None:
    message = r"model: 'resnet19' is neither .*; did you mean resnet18 or resnet152 or resnet101\?"

    with pytest.raises(InvalidConfig, match=message):
        build_model("resnet19", input=COLOUR_224, classes=10)


def test_a_detection_network_is_no_classification_model() -> None:
    with pytest.raises(InvalidConfig, match="neither in the catalogue nor in torchvision"):
        build_model("fasterrcnn_resnet50_fpn", input=COLOUR_224, classes=10)


def test_a_large_model_refuses_grey_images_by_name() -> None:
    with pytest.raises(InvalidConfig, match="mobilenet_v2 takes images with 3 channels, got 1"):
        build_model("mobilenet_v2", input=InputSpec(channels=1, size=224), classes=10)


@pytest.mark.parametrize(
    ("model_id", "stem"),
    [("mobilenet_v1_small@0.5", 16), ("mobilenet_v2_small@0.5", 16), ("mobilenet_v2@1.4", 48)],
)
def test_a_width_scales_the_channels(model_id: str, stem: int) -> None:
    channels = 1 if "small" in model_id else 3
    model = build_model(model_id, input=InputSpec(channels=channels, size=32), classes=10)

    first = next(module for module in model.modules() if isinstance(module, nn.Conv2d))
    assert first.out_channels == stem


def test_the_ambient_seed_decides_the_weights() -> None:
    weights = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        model = build_model("mobilenet_v2_small", input=GREY_32, classes=10)
        weights.append(next(model.parameters()).detach().clone())

    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])
