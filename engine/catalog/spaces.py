"""Search spaces by id, and how they follow a data set and a user's widths."""

from engine.catalog.datasets import DatasetEntry
from engine.catalog.mobile_spaces import MOBILE_OPS, MobileRecipe, Stage
from engine.catalog.tree_spaces import TREE_OPS, TreeRecipe
from engine.schema.architecture import SearchSpace
from engine.schema.errors import InvalidConfig
from engine.schema.layers import InputSpec
from engine.schema.space_shape import SpaceShape

__all__ = ["MOBILE_OPS", "RECIPES", "SPACES", "TREE_OPS", "Recipe", "space_entry", "space_for"]

Recipe = MobileRecipe | TreeRecipe

_PAPER = "Cai et al. 2019 (ProxylessNAS)"
_IMAGENET = InputSpec(channels=3, size=224)
_SMALL = InputSpec(channels=3, size=32)
_LARGE_PX = 64  # spaces for images of this size and more see grey images as colour

RECIPES: dict[str, Recipe] = {
    recipe.id: recipe
    for recipe in (
        MobileRecipe(
            id="tiny",
            title="Tiny (grey, 32 px)",
            description="Six blocks for small images; a search takes minutes on a CPU.",
            source="After the mobile space of Cai et al. 2019, for Fashion-MNIST",
            input=InputSpec(channels=1, size=32),
            classes=10,
            stem=16,
            stem_stride=2,
            first_block=None,
            stages=(Stage(24, 2, 2), Stage(40, 2, 2), Stage(80, 2, 1)),
            feature_mix=240,
        ),
        MobileRecipe(
            id="cifar-mobile",
            title="Mobile blocks for small images (32 px)",
            description="The mobile space with fewer blocks, and strides for images of 32 px.",
            source="After the mobile space of Cai et al. 2019, for CIFAR-10",
            input=_SMALL,
            classes=10,
            stem=32,
            stem_stride=1,
            first_block=16,
            stages=(
                Stage(24, 3, 1),
                Stage(40, 3, 1),
                Stage(80, 3, 2),
                Stage(96, 3, 1),
                Stage(192, 3, 2),
                Stage(320, 1, 1),
            ),
            feature_mix=1280,
        ),
        TreeRecipe(
            id="cifar-tree",
            title="ProxylessNAS tree cells (32 px)",
            description="The paper's CIFAR-10 space: 54 blocks with a tree cell, each of whose 12 "
            "edges has a choice. Training one of its networks takes hours on a GPU.",
            source=_PAPER,
            input=_SMALL,
            classes=10,
            stem=16,
            cells=(18, 18, 18),
            strides=(1, 2, 2),
            channels=400,
        ),
        MobileRecipe(
            id="mobile-24",
            title="ProxylessNAS mobile (224 px)",
            description="The space of the paper's code; a latency table covers all of its blocks.",
            source=_PAPER,
            input=_IMAGENET,
            classes=1000,
            stem=32,
            stem_stride=2,
            first_block=16,
            stages=(
                Stage(24, 4, 2),
                Stage(40, 4, 2),
                Stage(80, 4, 2),
                Stage(96, 4, 1),
                Stage(192, 4, 2),
                Stage(320, 1, 1),
            ),
            feature_mix=1280,
        ),
        MobileRecipe(
            id="mobile-32",
            title="ProxylessNAS mobile, first stage 32 wide (224 px)",
            description="The widths of the published mobile network.",
            source=_PAPER,
            input=_IMAGENET,
            classes=1000,
            stem=32,
            stem_stride=2,
            first_block=16,
            stages=(
                Stage(32, 4, 2),
                Stage(40, 4, 2),
                Stage(80, 4, 2),
                Stage(96, 4, 1),
                Stage(192, 4, 2),
                Stage(320, 1, 1),
            ),
            feature_mix=1280,
        ),
    )
}

SPACES: dict[str, SearchSpace] = {recipe.id: recipe.space() for recipe in RECIPES.values()}


def space_entry(space_id: str) -> SearchSpace:
    """Return a space of the catalogue, for the images and classes it was made for.

    Raises:
        InvalidConfig: there is none of that id.
    """
    _recipe(space_id)
    return SPACES[space_id]


def space_for(
    space_id: str,
    *,
    dataset: DatasetEntry | None = None,
    input: InputSpec | None = None,
    classes: int | None = None,
    shape: SpaceShape | None = None,
) -> SearchSpace:
    """Return a space of the catalogue for a data set, and with other widths, blocks or strides.

    `input` and `classes`, where given, come before the data set's. A space for small images takes
    the data's channels and, of small images, their size; one for large images keeps its own.

    Raises:
        InvalidConfig: no such space, or images, classes or a shape that do not fit it.
    """
    recipe = _recipe(space_id)
    images = input or _images(recipe, dataset)
    count = _classes(recipe, dataset) if classes is None else classes
    if count < 2:
        raise InvalidConfig("dataset", f"a network tells at least 2 classes apart, got {count}")
    if images.channels < 1 or images.size < 1:
        raise InvalidConfig(
            "input", f"needs channels and a size, got {images.channels} and {images.size} px"
        )
    return recipe.fitted(images, count).shaped(shape or SpaceShape()).space()


def _classes(recipe: Recipe, dataset: DatasetEntry | None) -> int:
    if dataset is None:
        return recipe.classes
    if dataset.classes is None:
        raise InvalidConfig(
            "dataset",
            f"{dataset.title} has no labels, and networks are searched by them; put the images "
            "into one folder per class",
        )
    return dataset.classes


def _images(recipe: Recipe, dataset: DatasetEntry | None) -> InputSpec:
    if dataset is None or recipe.input.size >= _LARGE_PX:
        return recipe.input
    size = dataset.network_size or recipe.input.size
    return InputSpec(channels=dataset.channels, size=size)


def _recipe(space_id: str) -> Recipe:
    recipe = RECIPES.get(space_id)
    if recipe is None:
        raise InvalidConfig(
            "space", f"{space_id!r} is not known; choose one of {', '.join(RECIPES)}"
        )
    return recipe
