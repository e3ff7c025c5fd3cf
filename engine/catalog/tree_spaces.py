"""The space of tree cells on a pyramid of widths: Cai et al. 2019, section 4.1.

The backbone is PyramidNet's with bottlenecks (Han et al. 2017): channels grow from block to block.
"""

from dataclasses import dataclass, replace
from itertools import accumulate

from engine.catalog.mobile_spaces import make_divisible
from engine.schema.architecture import (
    IDENTITY,
    TREE_EXPANSION,
    BlockSpec,
    ConvSpec,
    OpSpec,
    SearchSpace,
    sepconv,
)
from engine.schema.errors import InvalidConfig
from engine.schema.layers import InputSpec
from engine.schema.space_shape import SpaceShape

# In this order: a result names its operations by their place.
TREE_OPS: tuple[OpSpec, ...] = (
    IDENTITY,
    sepconv(3),
    sepconv(5),
    sepconv(7),
    sepconv(3, dilation=2),
    OpSpec(kind="avgpool", kernel_size=3),
    OpSpec(kind="maxpool", kernel_size=3),
)
_EVEN = 2  # planes are split into two groups
_SMALLEST_LAST_MAP = 2  # px


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeRecipe:
    """What a tree space is made from."""

    id: str
    title: str
    description: str
    source: str
    input: InputSpec
    classes: int
    stem: int  # channels of the 3x3 convolution
    cells: tuple[int, ...]  # blocks of each stage; the paper's B
    strides: tuple[int, ...]  # of each stage's first block
    channels: int  # of the last block; the paper's F

    def fitted(self, input: InputSpec, classes: int) -> "TreeRecipe":
        """Return the recipe for other images and another number of classes."""
        return replace(self, input=input, classes=classes)

    def shaped(self, shape: SpaceShape) -> "TreeRecipe":
        """Return the recipe with other blocks, strides and channels.

        `width` multiplies the last block's channels, from which all others follow.

        Raises:
            InvalidConfig: the shape says something that a tree space does not have.
        """
        for name in ("widths", "first_block", "feature_mix"):
            if getattr(shape, name) is not None:
                raise InvalidConfig(name, f"{self.id} has none; give channels, of the last block")
        cells = self.cells if shape.cells is None else shape.cells
        strides = self.strides if shape.strides is None else shape.strides
        if len(cells) != len(strides):
            raise InvalidConfig(
                "cells", f"there are {len(strides)} strides; give as many cells, got {len(cells)}"
            )
        channels = shape.channels or make_divisible(self.channels * shape.width)
        return replace(
            self,
            title=shape.titled(self.title),
            cells=cells,
            strides=strides,
            channels=channels,
            stem=shape.stem or self.stem,
        )

    def space(self) -> SearchSpace:
        """Return the space, every block with its shape and its choice.

        Raises:
            InvalidConfig: the images do not go through its strides, or it has too few channels.
        """
        self._require_a_size_that_fits()
        return SearchSpace(
            id=self.id,
            title=self.title,
            description=self.description,
            input=self.input,
            classes=self.classes,
            first_conv=ConvSpec(
                in_channels=self.input.channels,
                out_channels=self.stem,
                kernel_size=3,
                stride=1,
                input_size=self.input.size,
            ),
            blocks=self._blocks(),
            feature_mix=None,
            source=self.source,
        )

    def planes(self) -> tuple[int, ...]:
        """Return the channels inside each block: they grow evenly, in whole pairs."""
        blocks = sum(self.cells)
        growth = (self.channels / TREE_EXPANSION - self.stem) / blocks
        return tuple(
            round(self.stem + index * growth) // _EVEN * _EVEN for index in range(1, blocks + 1)
        )

    def _blocks(self) -> tuple[BlockSpec, ...]:
        planes = self.planes()
        firsts = dict(zip(accumulate(self.cells, initial=0), self.strides, strict=False))
        size, channels = self.input.size, self.stem
        blocks: list[BlockSpec] = []
        for index, width in enumerate(planes):
            block = tree_block(
                index,
                in_channels=channels,
                out_channels=width * TREE_EXPANSION,
                input_size=size,
                stride=firsts.get(index, 1),
            )
            blocks.append(block)
            size, channels = block.output_size, block.out_channels
        return tuple(blocks)

    def _require_a_size_that_fits(self) -> None:
        unit = TREE_EXPANSION * _EVEN
        if self.channels % unit or self.channels < TREE_EXPANSION * (self.stem + _EVEN):
            least = TREE_EXPANSION * (self.stem + _EVEN)
            raise InvalidConfig(
                "channels",
                f"must be a multiple of {unit} and at least {least}, got {self.channels}",
            )
        reduction = 2 ** self.strides.count(2)
        if self.input.size % reduction or self.input.size // reduction < _SMALLEST_LAST_MAP:
            raise InvalidConfig(
                "input",
                f"{self.id} halves its maps {self.strides.count(2)} times; take images whose side "
                f"is a multiple of {reduction} px and at least "
                f"{reduction * _SMALLEST_LAST_MAP} px, not {self.input.size}",
            )


def tree_block(
    index: int,
    *,
    in_channels: int,
    out_channels: int,
    input_size: int,
    stride: int,
    ops: tuple[OpSpec, ...] | None = None,
) -> BlockSpec:
    """Return a block; ops of None: the paper's seven on each edge."""
    return BlockSpec(
        name=f"blocks.{index}",
        in_channels=in_channels,
        out_channels=out_channels,
        input_size=input_size,
        stride=stride,
        ops=ops or TREE_OPS,
        form="tree",
    )
