"""The folded part of the ProxylessNAS form where a person changes a space: widths, blocks, strides.

What a person says becomes a `SpaceShape`; what the chosen space has stands in the empty fields.
"""

import re
from collections.abc import Callable
from typing import Any

from django import forms

from engine.catalog.mobile_spaces import MobileRecipe
from engine.catalog.spaces import RECIPES
from engine.catalog.tree_spaces import TreeRecipe
from engine.schema.errors import InvalidConfig
from engine.schema.space_shape import NARROWEST, WIDEST, SpaceShape

LISTS = ("widths", "cells", "strides")
COUNTS = ("stem", "first_block", "feature_mix", "channels")
SHAPE_FIELDS = ("width", *LISTS, *COUNTS)

_BETWEEN = re.compile(r"[\s,;–-]+")


def _text(label: str, help_text: str) -> forms.CharField:
    return forms.CharField(label=label, help_text=help_text, required=False, max_length=120)


def _channels(label: str, help_text: str) -> forms.CharField:
    return forms.CharField(
        label=label,
        help_text=help_text,
        required=False,
        max_length=6,
        widget=forms.TextInput(attrs={"inputmode": "numeric"}),
    )


class ShapeFields(forms.Form):
    """How the space departs from its entry in the catalogue; what is empty does not."""

    width = forms.FloatField(
        label="Width multiplier",
        initial=1.0,
        min_value=NARROWEST,
        max_value=WIDEST,
        help_text="Of every channel count that is not given here.",
        widget=forms.NumberInput(attrs={"step": "any"}),
    )
    widths = _text("Widths", "Channels of each stage's blocks.")
    cells = _text("Blocks", "How many each stage has.")
    strides = _text("Strides", "Of each stage's first block, 1 or 2; 2 halves the map.")
    stem = _channels("Stem", "Channels of the first convolution.")
    first_block = _channels("First block", "Channels of the block without a choice.")
    feature_mix = _channels("Feature mix", "Channels in front of the classifier.")
    channels = _channels("Last block", "Its channels; all blocks before it follow evenly.")


def said_shape(said: Callable[[str], str]) -> SpaceShape:
    """Return the shape that a form says, field by field.

    Raises:
        InvalidConfig: a field is no number, or no list of whole numbers, or out of range.
    """
    lists = {name: numbers for name in LISTS if (numbers := _numbers(name, said(name)))}
    counts = {name: _whole(name, text) for name in COUNTS if (text := said(name).strip())}
    changes: dict[str, Any] = {**lists, **counts}  # Any: lists and numbers
    return SpaceShape(width=_multiplier(said("width")), **changes)


def shape_initial(shape: SpaceShape) -> dict[str, Any]:  # Any: values of form fields
    """Return a form's first values from the shape of an earlier run."""
    lists = {name: ", ".join(map(str, getattr(shape, name) or ())) for name in LISTS}
    counts = {name: "" if getattr(shape, name) is None else getattr(shape, name) for name in COUNTS}
    return {"width": shape.width, **lists, **counts}


def catalogue_values(space_id: str) -> dict[str, str]:
    """Return what a space's entry has for each field that applies to it, as the form takes it."""
    recipe = RECIPES.get(space_id)
    if recipe is None:
        return {}
    values = _of_mobile(recipe) if isinstance(recipe, MobileRecipe) else _of_tree(recipe)
    return {
        name: ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
        for name, value in values.items()
        if value is not None
    }


def shape_sentence(space_id: str) -> str:
    """Return what may be changed in a space."""
    recipe = RECIPES.get(space_id)
    if recipe is None:
        return ""
    if isinstance(recipe, MobileRecipe):
        return (
            f"{recipe.title} has {len(recipe.stages)} stages: give one number for each, with "
            "commas. Empty fields keep what stands in them in grey, times the multiplier."
        )
    return (
        f"{recipe.title} has {len(recipe.cells)} stages, or as many as blocks and strides are "
        "given for. Channels grow evenly from the stem to the last block."
    )


def _of_mobile(recipe: MobileRecipe) -> dict[str, object]:
    return {
        "widths": tuple(stage.width for stage in recipe.stages),
        "cells": tuple(stage.blocks for stage in recipe.stages),
        "strides": tuple(stage.stride for stage in recipe.stages),
        "stem": recipe.stem,
        "first_block": recipe.first_block,
        "feature_mix": recipe.feature_mix,
    }


def _of_tree(recipe: TreeRecipe) -> dict[str, object]:
    return {name: getattr(recipe, name) for name in ("cells", "strides", "stem", "channels")}


def _multiplier(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InvalidConfig("width", "must be a number, as 1 or 0.75") from None


def _numbers(name: str, text: str) -> tuple[int, ...]:
    return tuple(_whole(name, word) for word in _BETWEEN.split(text.strip()) if word)


def _whole(name: str, word: str) -> int:
    if not (word.isascii() and word.isdigit()):
        example = "with commas between them, as 24, 40, 80" if name in LISTS else "as 32"
        raise InvalidConfig(name, f"{word!r} is no whole number; give whole numbers {example}")
    return int(word)
