"""MobileNetV2 at any width, block by block and without torch: the yardstick of a search.

Sandler et al. 2018, table 2. Every block has a 3x3 kernel and expansion 6; at small images the
24-channel stage keeps its map, as in this catalogue's `mobilenet_v2_small`.
"""

from dataclasses import replace

from engine.catalog.mobile_spaces import MOBILE_OPS, MobileRecipe, Stage
from engine.schema.architecture import Architecture, mbconv
from engine.schema.codec import digest
from engine.schema.layers import InputSpec, ModelSpec
from engine.schema.lowering import model_spec
from engine.schema.space_shape import SpaceShape

MULTIPLIERS = (0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.4)
_BLOCK = MOBILE_OPS.index(mbconv(3, 6))
_FRAME_NAMES = {
    "first_conv.conv": "features.0.0",
    "feature_mix_layer.conv": "features.18.0",
    "classifier.linear": "classifier.1",
}
_PLACES = {"inverted_bottleneck": "0.0", "depth_conv": "1.0", "point_linear": "2"}
_FIRST_PLACES = {"depth_conv": "0.0", "point_linear": "1"}
_SMALL_PX = 64  # images below this keep their map in the 24-channel stage

_RECIPE = MobileRecipe(
    id="mobilenet_v2",
    title="MobileNetV2",
    description="The network that designers drew by hand.",
    source="Sandler et al. 2018",
    input=InputSpec(channels=3, size=224),
    classes=1000,
    stem=32,
    stem_stride=2,
    first_block=16,
    stages=(
        Stage(24, 2, 2),
        Stage(32, 3, 2),
        Stage(64, 4, 2),
        Stage(96, 3, 1),
        Stage(160, 3, 2),
        Stage(320, 1, 1),
    ),
    feature_mix=1280,
)


def mobilenet_v2_blocks(
    *, width: float, input: InputSpec, classes: int, small_images: bool | None = None
) -> Architecture:
    """Return MobileNetV2 at a width for these images.

    `small_images` keeps the map in the 24-channel stage; None does so below 64 px.

    Raises:
        InvalidConfig: the images are too small for its strides.
    """
    recipe = _RECIPE.fitted(input, classes)
    if input.size < _SMALL_PX if small_images is None else small_images:
        first, *rest = recipe.stages
        recipe = replace(recipe, stages=(first._replace(stride=1), *rest))
    space = recipe.shaped(SpaceShape(width=width)).space()
    return Architecture(
        space=space, choices=tuple(0 if block.is_fixed else _BLOCK for block in space.decisions)
    )


def mobilenet_v2_at(
    *, width: float, input: InputSpec, classes: int, small_images: bool | None = None
) -> ModelSpec:
    """Return the layers of MobileNetV2 at a width, named as torchvision names them.

    Raises:
        InvalidConfig: the images are too small for its strides.
    """
    blocks = mobilenet_v2_blocks(
        width=width, input=input, classes=classes, small_images=small_images
    )
    spec = model_spec(blocks)
    layers = tuple(replace(layer, name=_torchvision_name(layer.name)) for layer in spec.layers)
    return replace(spec, layers=layers, model_hash=digest(layers)[:16])


def _torchvision_name(name: str) -> str:
    if name in _FRAME_NAMES:
        return _FRAME_NAMES[name]
    _, block, _, layer, _ = name.split(".")
    # The first block has no convolution that widens, so that its others stand one place before.
    places = _FIRST_PLACES if block == "0" else _PLACES
    return f"features.{int(block) + 1}.conv.{places[layer]}"
