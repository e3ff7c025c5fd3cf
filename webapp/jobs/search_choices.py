"""Which spaces the ProxylessNAS form offers, how large they are, and which do not fit the data."""

from collections.abc import Mapping
from math import floor
from typing import Any

from django import forms

from engine.catalog.datasets import dataset_entry
from engine.catalog.spaces import SPACES, space_for
from engine.schema.architecture import SearchSpace
from engine.schema.errors import EngineError, InvalidConfig
from webapp.jobs.admission import check_folder

_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_WRITTEN_OUT = 10**7


def space_choices() -> list[tuple[str, str]]:
    """Return the catalogue's spaces, each with how many networks it holds."""
    return [
        (space.id, f"{space.title}: {count_words(space.size)} networks")
        for space in SPACES.values()
    ]


def unfit_spaces(dataset_id: str) -> dict[str, str]:
    """Return the spaces that do not fit a data set, each with the reason."""
    try:
        check_folder(dataset_id)
        dataset = dataset_entry(dataset_id)
    except EngineError:  # the data set's own field says so
        return {}
    reasons = {}
    for space_id in SPACES:
        try:
            space_for(space_id, dataset=dataset)
        except InvalidConfig as error:
            if error.field != "dataset":  # that is said once, at the data set's own field
                reasons[space_id] = error.message
    return reasons


def count_words(count: int) -> str:
    """Return a count as one reads it: "74,088", "about 2.4 × 10¹⁷"."""
    if count < _WRITTEN_OUT:
        return f"{count:,}"
    # Of a count with hundreds of digits, a float would overflow.
    digits = str(count)
    power = len(digits) - 1
    mantissa = floor(int(digits[:3]) / 10) / 10
    return f"about {mantissa:g} × 10{str(power).translate(_SUPERSCRIPTS)}"


def space_sentence(space: SearchSpace) -> str:
    """Return what a space is, once it is fitted to data: its size in every sense."""
    unit = "cells of twelve edges" if space.form == "tree" else "blocks"
    return (
        f"{space.description} On this data: {space.input.size} px, "
        f"{space.classes} classes, {len(space.blocks)} {unit}, {count_words(space.size)} networks."
    )


class SpaceSelect(forms.Select):
    """A select whose spaces that do not fit the data are disabled; reasons stand beside it."""

    def __init__(self, *, unfit: Mapping[str, str]) -> None:
        super().__init__()
        self._unfit = unfit

    def create_option(
        self, name: str, value: Any, *args: Any, **kwargs: Any
    ) -> dict[str, Any]:  # Any: as Django's
        """Disable an option that does not fit."""
        option = super().create_option(name, value, *args, **kwargs)
        if str(value) in self._unfit:
            option["attrs"]["disabled"] = True
        return option
