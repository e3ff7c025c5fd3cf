"""Networks by the ids of the catalogue; every other name is asked of torchvision."""

import difflib
from collections.abc import Callable

import torch
import torchvision.models
from torch import nn

from engine.catalog.model_files import architecture_of, entry_of
from engine.catalog.models import MODELS, ModelEntry
from engine.nn.architecture_network import network_of
from engine.nn.efficientnet_lite import efficientnet_lite0
from engine.nn.mobilenet_v1 import MobileNetV1
from engine.nn.mobilenet_v2 import mobilenet_v2
from engine.nn.resnet20 import ResNet20
from engine.schema.errors import InvalidConfig
from engine.schema.layers import InputSpec

# Heads for training alone: the networks are used without.
_WITHOUT_AUXILIARY_HEADS = {
    "googlenet": {"aux_logits": False, "init_weights": True},
    "inception_v3": {"aux_logits": False, "init_weights": True},
}


def build_model(model_id: str, *, input: InputSpec, classes: int) -> nn.Module:
    """Return a network with random weights, drawn from torch's ambient generator.

    Raises:
        InvalidConfig: no network of that name, one that takes other channels, or a file that is
            no architecture.
    """
    entry = entry_of(model_id)
    if not entry.small and input.channels != entry.input.channels:
        raise InvalidConfig(
            "model",
            f"{model_id} takes images with {entry.input.channels} channels, got {input.channels}",
        )
    architecture = architecture_of(model_id)
    if architecture is not None:
        return network_of(architecture.fitted(input, classes), generator=torch.default_generator)
    family = model_id.partition("@")[0]
    builder = _BUILDERS.get(family, _torchvision)
    return builder(entry, input, classes)


def _mobilenet_v1(entry: ModelEntry, input: InputSpec, classes: int) -> nn.Module:
    return MobileNetV1(
        classes=classes, channels=input.channels, width=entry.width, small_images=entry.small
    )


def _mobilenet_v2(entry: ModelEntry, input: InputSpec, classes: int) -> nn.Module:
    return mobilenet_v2(
        classes=classes, channels=input.channels, width=entry.width, small_images=entry.small
    )


def _resnet20(_entry: ModelEntry, input: InputSpec, classes: int) -> nn.Module:
    return ResNet20(classes=classes, channels=input.channels)


def _efficientnet_lite0(_entry: ModelEntry, _input: InputSpec, classes: int) -> nn.Module:
    return efficientnet_lite0(classes=classes)


def _torchvision(entry: ModelEntry, _input: InputSpec, classes: int) -> nn.Module:
    names = torchvision.models.list_models(module=torchvision.models)
    if entry.id not in names:
        close = difflib.get_close_matches(entry.id, {*MODELS, *names}, n=3)
        hint = f"did you mean {' or '.join(close)}?" if close else f"try {', '.join(MODELS)}"
        raise InvalidConfig(
            "model", f"{entry.id!r} is neither in the catalogue nor in torchvision; {hint}"
        )
    extra = _WITHOUT_AUXILIARY_HEADS.get(entry.id, {})
    model: nn.Module = torchvision.models.get_model(
        entry.id, weights=None, num_classes=classes, **extra
    )
    return model


_BUILDERS: dict[str, Callable[[ModelEntry, InputSpec, int], nn.Module]] = {
    "mobilenet_v1": _mobilenet_v1,
    "mobilenet_v1_small": _mobilenet_v1,
    "mobilenet_v2": _mobilenet_v2,
    "mobilenet_v2_small": _mobilenet_v2,
    "resnet20": _resnet20,
    "efficientnet_lite0": _efficientnet_lite0,
}
