"""Search spaces: one table of stages each."""

from dataclasses import dataclass, replace
from typing import NamedTuple

from engine.schema.architecture import ZERO, BlockSpec, ConvSpec, OpSpec, SearchSpace, mbconv
from engine.schema.errors import InvalidConfig
from engine.schema.layers import InputSpec

# In this order: a result names its operations by their place.
MOBILE_OPS: tuple[OpSpec, ...] = tuple(mbconv(k, e) for k in (3, 5, 7) for e in (3, 6))
_FIRST_BLOCK: tuple[OpSpec, ...] = (mbconv(3, 1),)


class Stage(NamedTuple):
    """Blocks of one width; the first one has the stride and may change the width."""

    width: int
    blocks: int
    stride: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What a mobile space is but for its stages."""

    input: InputSpec
    classes: int
    stem: int  # channels of the 3x3 convolution
    stem_stride: int
    first_block: int | None  # channels of a fixed block without expansion; None: it has none
    feature_mix: int


_IMAGENET = Frame(
    input=InputSpec(channels=3, size=224),
    classes=1000,
    stem=32,
    stem_stride=2,
    first_block=16,
    feature_mix=1280,
)
_PAPER = "Cai et al. 2019 (ProxylessNAS)"


def mobile_blocks(frame: Frame, stages: tuple[Stage, ...]) -> tuple[BlockSpec, ...]:
    """Return the blocks of a mobile space; where there is a shortcut, Zero is one more choice."""
    size, channels = -(-frame.input.size // frame.stem_stride), frame.stem
    shapes = [] if frame.first_block is None else [(frame.first_block, 1, _FIRST_BLOCK)]
    shapes += [
        (stage.width, stage.stride if repeat == 0 else 1, MOBILE_OPS)
        for stage in stages
        for repeat in range(stage.blocks)
    ]
    blocks: list[BlockSpec] = []
    for width, stride, ops in shapes:
        block = BlockSpec(
            name=f"blocks.{len(blocks)}",
            in_channels=channels,
            out_channels=width,
            input_size=size,
            stride=stride,
            ops=ops,
        )
        is_skippable = block.has_shortcut and len(ops) > 1
        blocks.append(replace(block, ops=(*ops, ZERO)) if is_skippable else block)
        size, channels = block.output_size, width
    return tuple(blocks)


def mobile_space(
    space_id: str,
    *,
    title: str,
    description: str,
    source: str,
    frame: Frame,
    stages: tuple[Stage, ...],
) -> SearchSpace:
    """Return a space of inverted bottlenecks with kernels 3, 5, 7 and expansions 3, 6."""
    blocks = mobile_blocks(frame, stages)
    return SearchSpace(
        id=space_id,
        title=title,
        description=description,
        input=frame.input,
        classes=frame.classes,
        first_conv=ConvSpec(
            in_channels=frame.input.channels,
            out_channels=frame.stem,
            kernel_size=3,
            stride=frame.stem_stride,
            input_size=frame.input.size,
        ),
        blocks=blocks,
        feature_mix=ConvSpec(
            in_channels=blocks[-1].out_channels,
            out_channels=frame.feature_mix,
            kernel_size=1,
            stride=1,
            input_size=blocks[-1].output_size,
        ),
        source=source,
    )


SPACES: dict[str, SearchSpace] = {
    space.id: space
    for space in (
        mobile_space(
            "tiny",
            title="Tiny (grey, 32 px)",
            description="Six blocks for small grey images; a search takes minutes on a CPU.",
            source="After the mobile space of Cai et al. 2019, for Fashion-MNIST",
            frame=Frame(
                input=InputSpec(channels=1, size=32),
                classes=10,
                stem=16,
                stem_stride=2,
                first_block=None,
                feature_mix=240,
            ),
            stages=(Stage(24, 2, 2), Stage(40, 2, 2), Stage(80, 2, 1)),
        ),
        mobile_space(
            "cifar-mobile",
            title="Mobile blocks for small images (32 px)",
            description="The mobile space with fewer blocks, and strides for images of 32 px.",
            source="After the mobile space of Cai et al. 2019, for CIFAR-10",
            frame=Frame(
                input=InputSpec(channels=3, size=32),
                classes=10,
                stem=32,
                stem_stride=1,
                first_block=16,
                feature_mix=1280,
            ),
            stages=(
                Stage(24, 3, 1),
                Stage(40, 3, 1),
                Stage(80, 3, 2),
                Stage(96, 3, 1),
                Stage(192, 3, 2),
                Stage(320, 1, 1),
            ),
        ),
        mobile_space(
            "mobile-24",
            title="ProxylessNAS mobile (224 px)",
            description="The space of the paper's code; a latency table covers all of its blocks.",
            source=_PAPER,
            frame=_IMAGENET,
            stages=(
                Stage(24, 4, 2),
                Stage(40, 4, 2),
                Stage(80, 4, 2),
                Stage(96, 4, 1),
                Stage(192, 4, 2),
                Stage(320, 1, 1),
            ),
        ),
        mobile_space(
            "mobile-32",
            title="ProxylessNAS mobile, first stage 32 wide (224 px)",
            description="The widths of the published mobile network.",
            source=_PAPER,
            frame=_IMAGENET,
            stages=(
                Stage(32, 4, 2),
                Stage(40, 4, 2),
                Stage(80, 4, 2),
                Stage(96, 4, 1),
                Stage(192, 4, 2),
                Stage(320, 1, 1),
            ),
        ),
    )
}


def space_entry(space_id: str) -> SearchSpace:
    """Return a space of the catalogue.

    Raises:
        InvalidConfig: there is none of that id.
    """
    entry = SPACES.get(space_id)
    if entry is None:
        raise InvalidConfig(
            "space", f"{space_id!r} is not known; choose one of {', '.join(SPACES)}"
        )
    return entry
