"""A space from the rows of a network: a width, a stride and a choice for every block."""

from collections.abc import Sequence
from typing import NamedTuple

from engine.catalog.mobile_spaces import mobile_block
from engine.catalog.tree_spaces import tree_block
from engine.schema.architecture import BlockForm, BlockSpec, ConvSpec, OpSpec, SearchSpace
from engine.schema.layers import InputSpec


class Row(NamedTuple):
    """One block; the channels and the map that it takes follow from the rows before it."""

    width: int  # output channels
    stride: int
    candidates: tuple[OpSpec, ...] | None = None  # None: the paper's for such a block


class Label(NamedTuple):
    """What a space is called; nothing that is computed depends on it."""

    id: str
    title: str
    description: str = ""
    source: str = ""


def space_of_rows(
    label: Label,
    *,
    form: BlockForm,
    input: InputSpec,
    classes: int,
    stem: int,
    stem_stride: int,
    rows: Sequence[Row],
    feature_mix: int | None,
) -> SearchSpace:
    """Return the space of these rows behind a first convolution of `stem` channels.

    Raises:
        InvalidConfig: a block that its form does not allow.
    """
    first_conv = ConvSpec(
        in_channels=input.channels,
        out_channels=stem,
        kernel_size=3,
        stride=stem_stride,
        input_size=input.size,
    )
    make = mobile_block if form == "mobile" else tree_block
    blocks: list[BlockSpec] = []
    size, channels = first_conv.output_size, stem
    for index, row in enumerate(rows):
        block = make(
            index,
            in_channels=channels,
            out_channels=row.width,
            input_size=size,
            stride=row.stride,
            ops=row.candidates,
        )
        blocks.append(block)
        size, channels = block.output_size, block.out_channels
    mix = None
    if feature_mix is not None:
        mix = ConvSpec(
            in_channels=channels, out_channels=feature_mix, kernel_size=1, stride=1, input_size=size
        )
    return SearchSpace(
        **label._asdict(),
        input=input,
        classes=classes,
        first_conv=first_conv,
        blocks=tuple(blocks),
        feature_mix=mix,
    )


def row_of(block: BlockSpec) -> Row:
    """Return the row that a block is made from."""
    return Row(block.out_channels, block.stride, block.ops)


def row_with(op: OpSpec, *, in_channels: int, width: int, stride: int) -> Row:
    """Return the row of a mobile block that has an operation.

    It has the paper's choice where the operation is one of it, else no choice.
    """
    usual = mobile_block(
        0, in_channels=in_channels, out_channels=width, input_size=1, stride=stride
    ).ops
    return Row(width, stride, usual if op in usual else (op,))
