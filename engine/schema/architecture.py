"""Spaces of networks and the networks in them, as tables: Cai et al. 2019 (ProxylessNAS).

A space fixes the frame (first convolution, feature mix, classifier) and the shape of every block.
A block of the mobile form leaves one decision, its operation; one of the tree form leaves twelve,
an operation for each edge of its cell. An architecture is a space with every decision taken.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Literal

from engine.schema.errors import InvalidConfig
from engine.schema.layers import InputSpec

OpKind = Literal["mbconv", "identity", "zero", "sepconv", "avgpool", "maxpool"]
BlockForm = Literal["mobile", "tree"]

# Tree form: the decisions of one cell, and its output channels for each channel inside.
TREE_EDGES = 12
TREE_EXPANSION = 4

_KINDS_OF_FORM: dict[BlockForm, frozenset[OpKind]] = {
    "mobile": frozenset(("mbconv", "identity", "zero")),
    "tree": frozenset(("sepconv", "avgpool", "maxpool", "identity")),
}
_OP_ID = re.compile(
    r"^(?P<kind>[a-z]+)(?:-k(?P<kernel_size>\d{1,2}))?(?:-e(?P<expansion>\d{1,2}))?"
    r"(?:-d(?P<dilation>\d{1,2}))?$"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpSpec:
    """One operation that a block, or an edge of a tree cell, may have.

    `mbconv` is an inverted bottleneck: a 1x1 convolution to `expansion` times the channels (left
    out at 1), a depthwise one, a 1x1 convolution without activation. `sepconv` is a depthwise
    convolution with a 1x1 one behind it. `zero` leaves the block's shortcut alone, so that the
    block is skipped; `identity` hands its input on. Pools have stride 1.
    """

    kind: OpKind
    kernel_size: int = 1  # of the depthwise convolution or the pool; odd
    expansion: int = 1  # of mbconv
    dilation: int = 1  # of sepconv

    def __post_init__(self) -> None:
        if self.kernel_size < 1 or self.kernel_size % 2 == 0:
            raise InvalidConfig("kernel_size", f"must be odd, got {self.kernel_size}")
        if self.expansion < 1:
            raise InvalidConfig("expansion", f"must be at least 1, got {self.expansion}")
        if self.dilation < 1:
            raise InvalidConfig("dilation", f"must be at least 1, got {self.dilation}")

    @property
    def id(self) -> str:
        """A short name: `mbconv-k5-e3`, `sepconv-k3-d2`, `avgpool-k3`, `zero`."""
        if self.kind == "mbconv":
            return f"mbconv-k{self.kernel_size}-e{self.expansion}"
        if self.kind in ("zero", "identity"):
            return self.kind
        dilation = "" if self.dilation == 1 else f"-d{self.dilation}"
        return f"{self.kind}-k{self.kernel_size}{dilation}"


ZERO = OpSpec(kind="zero")
IDENTITY = OpSpec(kind="identity")


def mbconv(kernel_size: int, expansion: int) -> OpSpec:
    """Return an inverted bottleneck."""
    return OpSpec(kind="mbconv", kernel_size=kernel_size, expansion=expansion)


def sepconv(kernel_size: int, *, dilation: int = 1) -> OpSpec:
    """Return a depthwise-separable convolution."""
    return OpSpec(kind="sepconv", kernel_size=kernel_size, dilation=dilation)


def op_by_id(op_id: str) -> OpSpec:
    """Return the operation of a short name.

    Raises:
        InvalidConfig: no operation has such a name.
    """
    match = _OP_ID.match(op_id)
    kinds: dict[str, OpKind] = {kind: kind for kinds in _KINDS_OF_FORM.values() for kind in kinds}
    kind = kinds.get(match["kind"]) if match else None
    if match is not None and kind is not None:
        sizes = {
            name: int(size) for name, size in match.groupdict().items() if name != "kind" and size
        }
        op = OpSpec(kind=kind, **sizes)
        if op.id == op_id:
            return op
    raise InvalidConfig(
        "op",
        f"{op_id!r} is no operation; write it as mbconv-k5-e3, sepconv-k3-d2, avgpool-k3 or zero",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvSpec:
    """A plain convolution with batch norm, its padding kernel_size // 2."""

    in_channels: int
    out_channels: int
    kernel_size: int
    stride: int
    input_size: int

    @property
    def output_size(self) -> int:
        """The side of the map it makes."""
        return -(-self.input_size // self.stride)


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockSpec:
    """One block of a space: its shape, and the operations among which a search chooses.

    Each of a tree block's edges has the same choice.
    """

    name: str
    in_channels: int
    out_channels: int
    input_size: int
    stride: int
    ops: tuple[OpSpec, ...]
    form: BlockForm = "mobile"

    def __post_init__(self) -> None:
        if not self.ops:
            raise InvalidConfig(self.name, "a block needs at least one operation")
        foreign = [op.id for op in self.ops if op.kind not in _KINDS_OF_FORM[self.form]]
        if foreign:
            raise InvalidConfig(self.name, f"a {self.form} block cannot have {foreign[0]}")
        if not self.has_shortcut and any(op.kind != "mbconv" for op in self.ops):
            raise InvalidConfig(
                self.name,
                "only a block with a shortcut can be skipped; leave zero and identity out",
            )
        if self.form == "tree" and not self._is_a_tree():
            raise InvalidConfig(
                self.name,
                f"a tree block has a multiple of {TREE_EXPANSION} channels, no fewer than it "
                f"takes, got {self.in_channels} to {self.out_channels}",
            )
        if self.form == "tree" and self.input_size % self.stride:
            raise InvalidConfig(
                self.name, f"a tree block halves maps of an even side, got {self.input_size} px"
            )

    def _is_a_tree(self) -> bool:
        # The shortcut of a tree block can be padded with channels, never cut.
        return self.out_channels % TREE_EXPANSION == 0 and self.out_channels >= self.in_channels

    @property
    def output_size(self) -> int:
        """The side of the map it makes."""
        return -(-self.input_size // self.stride)

    @property
    def has_shortcut(self) -> bool:
        """Is the input added to the output?

        In the mobile form it is where both have the same shape. In the tree form it always is:
        pooled to the output's size and padded with channels of zeros.
        """
        return self.form == "tree" or (self.stride == 1 and self.in_channels == self.out_channels)

    @property
    def is_fixed(self) -> bool:
        """Is there nothing to choose?"""
        return len(self.ops) == 1

    @property
    def decisions(self) -> int:
        """How many operations an architecture chooses for it."""
        return TREE_EDGES if self.form == "tree" else 1

    @property
    def planes(self) -> int:
        """The channels of each edge of a tree block."""
        return self.out_channels // TREE_EXPANSION


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchSpace:
    """Every network that a search may find."""

    id: str
    title: str
    description: str
    input: InputSpec
    classes: int
    first_conv: ConvSpec
    blocks: tuple[BlockSpec, ...]
    feature_mix: ConvSpec | None  # 1x1, before pooling and the classifier
    source: str

    def __post_init__(self) -> None:
        if len({block.form for block in self.blocks}) != 1:
            raise InvalidConfig("blocks", "a space needs blocks, and all of one form")

    @property
    def form(self) -> BlockForm:
        """The form of all blocks."""
        return self.blocks[0].form

    @property
    def size(self) -> int:
        """How many architectures it holds."""
        return prod(len(block.ops) ** block.decisions for block in self.blocks)

    @property
    def decisions(self) -> tuple[BlockSpec, ...]:
        """The block of each choice: a mobile block stands once, a tree block for each edge."""
        return tuple(block for block in self.blocks for _ in range(block.decisions))

    def fitted(self, input: InputSpec, classes: int) -> "SearchSpace":
        """Return the space of the same blocks for other images and another number of classes.

        Raises:
            InvalidConfig: a tree block would halve an odd map.
        """
        first_conv = replace(self.first_conv, in_channels=input.channels, input_size=input.size)
        blocks, size = [], first_conv.output_size
        for block in self.blocks:
            blocks.append(replace(block, input_size=size))
            size = blocks[-1].output_size
        mix = None if self.feature_mix is None else replace(self.feature_mix, input_size=size)
        return replace(
            self,
            input=input,
            classes=classes,
            first_conv=first_conv,
            blocks=tuple(blocks),
            feature_mix=mix,
        )

    @property
    def features(self) -> int:
        """How many numbers the classifier gets."""
        last = self.feature_mix or self.blocks[-1]
        return last.out_channels


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """One network of a space: for each decision, the place of an operation among the block's."""

    space: SearchSpace
    choices: tuple[int, ...]

    def __post_init__(self) -> None:
        decisions = self.space.decisions
        if len(self.choices) != len(decisions):
            what = "blocks" if self.space.form == "mobile" else "edges"
            raise InvalidConfig(
                "choices", f"{self.space.id} has {len(decisions)} {what}, got {len(self.choices)}"
            )
        for block, choice in zip(decisions, self.choices, strict=True):
            if not 0 <= choice < len(block.ops):
                raise InvalidConfig(
                    "choices", f"{block.name} has {len(block.ops)} operations, got {choice}"
                )

    def fitted(self, input: InputSpec, classes: int) -> "Architecture":
        """Return the same network for other images and another number of classes.

        Raises:
            InvalidConfig: a tree block would halve an odd map.
        """
        return replace(self, space=self.space.fitted(input, classes))

    @property
    def ops(self) -> tuple[OpSpec, ...]:
        """The operation of each decision."""
        return tuple(
            block.ops[choice]
            for block, choice in zip(self.space.decisions, self.choices, strict=True)
        )

    @property
    def block_ops(self) -> tuple[tuple[OpSpec, ...], ...]:
        """The operations of each block: one, or those of a tree's edges in forward order."""
        ops = iter(self.ops)
        return tuple(
            tuple(next(ops) for _ in range(block.decisions)) for block in self.space.blocks
        )


def choose(space: SearchSpace, ops: Sequence[OpSpec]) -> Architecture:
    """Return the architecture with these operations, one for each decision.

    Raises:
        InvalidConfig: a block does not have the operation, or there are too few or too many.
    """
    choices = []
    for block, op in zip(space.decisions, ops, strict=False):
        if op not in block.ops:
            names = ", ".join(each.id for each in block.ops)
            raise InvalidConfig("ops", f"{block.name} of {space.id} has no {op.id}; it has {names}")
        choices.append(block.ops.index(op))
    if len(ops) != len(space.decisions):
        choices = [0] * len(ops)  # refused below, with the count it should be
    return Architecture(space=space, choices=tuple(choices))
