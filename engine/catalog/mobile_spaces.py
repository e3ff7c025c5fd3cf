"""Spaces of inverted bottlenecks, as the table of stages they are made from.

Source: Cai et al. 2019 (ProxylessNAS), the authors' search code for the rounding of widths.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from engine.schema.architecture import ZERO, BlockSpec, ConvSpec, OpSpec, SearchSpace, mbconv
from engine.schema.errors import InvalidConfig
from engine.schema.layers import InputSpec
from engine.schema.space_shape import SpaceShape

# In this order: a result names its operations by their place.
MOBILE_OPS: tuple[OpSpec, ...] = tuple(mbconv(k, e) for k in (3, 5, 7) for e in (3, 6))
FIRST_BLOCK_OPS: tuple[OpSpec, ...] = (mbconv(3, 1),)
SMALLEST_LAST_MAP = 2  # px; on a single one, kernels see nothing but their centre


class Stage(NamedTuple):
    """Blocks of one width; the first one has the stride and may change the width."""

    width: int
    blocks: int
    stride: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MobileRecipe:
    """What a mobile space is made from."""

    id: str
    title: str
    description: str
    source: str
    input: InputSpec
    classes: int
    stem: int  # channels of the 3x3 convolution
    stem_stride: int
    first_block: int | None  # channels of a fixed block without expansion; None: it has none
    stages: tuple[Stage, ...]
    feature_mix: int

    def fitted(self, input: InputSpec, classes: int) -> "MobileRecipe":
        """Return the recipe for other images and another number of classes."""
        return replace(self, input=input, classes=classes)

    def shaped(self, shape: SpaceShape) -> "MobileRecipe":
        """Return the recipe with other widths, blocks and strides.

        Raises:
            InvalidConfig: a list has not as many entries as the space has stages, or the shape
                says something that a mobile space does not have.
        """
        if shape.channels is not None:
            raise InvalidConfig("channels", f"{self.id} has none; give widths, one for each stage")
        if shape.first_block is not None and self.first_block is None:
            raise InvalidConfig("first_block", f"{self.id} has no block without a choice")
        scaled = self._scaled(shape.width)
        widths = _by_stage("widths", shape.widths, [stage.width for stage in scaled.stages])
        cells = _by_stage("cells", shape.cells, [stage.blocks for stage in self.stages])
        strides = _by_stage("strides", shape.strides, [stage.stride for stage in self.stages])
        return replace(
            scaled,
            title=shape.titled(self.title),
            stem=shape.stem or scaled.stem,
            first_block=shape.first_block or scaled.first_block,
            stages=tuple(map(Stage, widths, cells, strides)),
            feature_mix=shape.feature_mix or scaled.feature_mix,
        )

    def _scaled(self, width: float) -> "MobileRecipe":
        """Return the recipe with all widths multiplied; the feature mix never shrinks."""
        if width == 1:
            return self
        return replace(
            self,
            stem=make_divisible(self.stem * width),
            first_block=None
            if self.first_block is None
            else make_divisible(self.first_block * width),
            stages=tuple(
                stage._replace(width=make_divisible(stage.width * width)) for stage in self.stages
            ),
            feature_mix=make_divisible(self.feature_mix * width) if width > 1 else self.feature_mix,
        )

    def space(self) -> SearchSpace:
        """Return the space, every block with its shape and its choice.

        Raises:
            InvalidConfig: the images are too small for its strides.
        """
        blocks = self._blocks()
        last_map = blocks[-1].output_size
        if last_map < SMALLEST_LAST_MAP:
            raise InvalidConfig(
                "input",
                f"{self.id} makes a map of {last_map} px from images of {self.input.size} px; "
                f"take images of at least {self.input.size * SMALLEST_LAST_MAP} px, or a space "
                "or strides for small images",
            )
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
                stride=self.stem_stride,
                input_size=self.input.size,
            ),
            blocks=blocks,
            feature_mix=ConvSpec(
                in_channels=blocks[-1].out_channels,
                out_channels=self.feature_mix,
                kernel_size=1,
                stride=1,
                input_size=last_map,
            ),
            source=self.source,
        )

    def _blocks(self) -> tuple[BlockSpec, ...]:
        size, channels = -(-self.input.size // self.stem_stride), self.stem
        shapes: list[tuple[int, int, tuple[OpSpec, ...] | None]] = []
        if self.first_block is not None:
            shapes.append((self.first_block, 1, FIRST_BLOCK_OPS))
        shapes += [
            (stage.width, stage.stride if repeat == 0 else 1, None)
            for stage in self.stages
            for repeat in range(stage.blocks)
        ]
        blocks: list[BlockSpec] = []
        for width, stride, ops in shapes:
            block = mobile_block(
                len(blocks),
                in_channels=channels,
                out_channels=width,
                input_size=size,
                stride=stride,
                ops=ops,
            )
            blocks.append(block)
            size, channels = block.output_size, width
        return tuple(blocks)


def mobile_block(
    index: int,
    *,
    in_channels: int,
    out_channels: int,
    input_size: int,
    stride: int,
    ops: tuple[OpSpec, ...] | None = None,
) -> BlockSpec:
    """Return a block; ops of None: the paper's, with Zero last where there is a shortcut."""
    keeps_shape = stride == 1 and in_channels == out_channels
    return BlockSpec(
        name=f"blocks.{index}",
        in_channels=in_channels,
        out_channels=out_channels,
        input_size=input_size,
        stride=stride,
        ops=ops or ((*MOBILE_OPS, ZERO) if keeps_shape else MOBILE_OPS),
    )


def make_divisible(width: float, divisor: int = 8) -> int:
    """Return the multiple of `divisor` nearest a width, never less than nine tenths of it."""
    nearest = max(divisor, int(width + divisor / 2) // divisor * divisor)
    return nearest + divisor if nearest < 0.9 * width else nearest


def _by_stage(name: str, given: Sequence[int] | None, known: Sequence[int]) -> Sequence[int]:
    if given is not None and len(given) != len(known):
        raise InvalidConfig(
            name, f"the space has {len(known)} stages; give one number for each, got {len(given)}"
        )
    return known if given is None else given
