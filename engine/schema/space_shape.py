"""How a search departs from a space of the catalogue: widths, blocks of a stage, strides."""

from dataclasses import dataclass
from typing import ClassVar

from engine.schema.errors import InvalidConfig

NARROWEST, WIDEST = 0.1, 4.0
_MOST_STAGES = 12
_MOST_BLOCKS = 64  # of a stage; a network of more would take days to lower and to draw
_MOST_BLOCKS_IN_ALL = 256
_MOST_CHANNELS = 8192

_WORDS = {
    "widths": "stages {} wide",
    "cells": "{} blocks a stage",
    "strides": "strides {}",
    "stem": "stem {}",
    "first_block": "first block {}",
    "feature_mix": "feature mix {}",
    "channels": "last block {} wide",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SpaceShape:
    """Changes to a space's table; None leaves what the catalogue says.

    Lists have one entry for each stage. `width` multiplies every width that is not given here.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    width: float = 1.0
    widths: tuple[int, ...] | None = None
    cells: tuple[int, ...] | None = None  # blocks
    strides: tuple[int, ...] | None = None  # of a stage's first block
    stem: int | None = None  # channels of the first convolution
    first_block: int | None = None  # channels of the block without a choice
    feature_mix: int | None = None  # channels in front of the classifier
    channels: int | None = None  # of a tree space's last block

    def __post_init__(self) -> None:
        if not NARROWEST <= self.width <= WIDEST:
            raise InvalidConfig(
                "width", f"must lie in {NARROWEST:g} .. {WIDEST:g}, got {self.width:g}"
            )
        limits = {
            "widths": (1, _MOST_CHANNELS),
            "cells": (1, _MOST_BLOCKS),
            "strides": (1, 2),
            "stem": (1, _MOST_CHANNELS),
            "first_block": (1, _MOST_CHANNELS),
            "feature_mix": (1, _MOST_CHANNELS),
            "channels": (1, _MOST_CHANNELS),
        }
        for name, (least, most) in limits.items():
            value = getattr(self, name)
            if isinstance(value, tuple) and not 1 <= len(value) <= _MOST_STAGES:
                raise InvalidConfig(
                    name, f"needs 1 to {_MOST_STAGES} numbers, one for each stage, got {len(value)}"
                )
            for number in value if isinstance(value, tuple) else (value,):
                if number is not None and not least <= number <= most:
                    raise InvalidConfig(name, f"must lie in {least} .. {most}, got {number}")
        if sum(self.cells or ()) > _MOST_BLOCKS_IN_ALL:
            raise InvalidConfig(
                "cells",
                f"must be at most {_MOST_BLOCKS_IN_ALL} in all, got {sum(self.cells or ())}",
            )

    def titled(self, title: str) -> str:
        """Return a space's title with what departs from the catalogue behind it."""
        departures = [] if self.width == 1 else [f"×{self.width:g}"]
        departures += [
            words.format("–".join(map(str, value)) if isinstance(value, tuple) else value)
            for name, words in _WORDS.items()
            if (value := getattr(self, name)) is not None
        ]
        return ", ".join([title, *departures])
