"""Spaces of networks and the networks in them, as tables: Cai et al. 2019 (ProxylessNAS).

A space fixes the frame (first convolution, feature mix, classifier) and the shape of every block.
An architecture is a space with one operation chosen for each block.
"""

from dataclasses import dataclass
from math import prod
from typing import Literal

from engine.schema.errors import InvalidConfig
from engine.schema.layers import InputSpec

OpKind = Literal["mbconv", "identity", "zero"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpSpec:
    """One operation that a block may have.

    `mbconv` is an inverted bottleneck: a 1x1 convolution to `expansion` times the channels (left
    out at 1), a depthwise one, a 1x1 convolution without activation. `zero` leaves the block's
    shortcut alone, so that the block is skipped; `identity` hands its input on.
    """

    kind: OpKind
    kernel_size: int = 1  # of the depthwise convolution; odd
    expansion: int = 1

    def __post_init__(self) -> None:
        if self.kernel_size < 1 or self.kernel_size % 2 == 0:
            raise InvalidConfig("kernel_size", f"must be odd, got {self.kernel_size}")
        if self.expansion < 1:
            raise InvalidConfig("expansion", f"must be at least 1, got {self.expansion}")

    @property
    def id(self) -> str:
        """A short name: `mbconv-k5-e3`, `zero`."""
        if self.kind == "mbconv":
            return f"mbconv-k{self.kernel_size}-e{self.expansion}"
        return self.kind


ZERO = OpSpec(kind="zero")


def mbconv(kernel_size: int, expansion: int) -> OpSpec:
    """Return an inverted bottleneck."""
    return OpSpec(kind="mbconv", kernel_size=kernel_size, expansion=expansion)


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
    """One block of a space: its shape, and the operations among which a search chooses."""

    name: str
    in_channels: int
    out_channels: int
    input_size: int
    stride: int
    ops: tuple[OpSpec, ...]

    def __post_init__(self) -> None:
        if not self.ops:
            raise InvalidConfig(self.name, "a block needs at least one operation")
        if not self.has_shortcut and any(op.kind != "mbconv" for op in self.ops):
            raise InvalidConfig(
                self.name,
                "only a block with a shortcut can be skipped; leave zero and identity out",
            )

    @property
    def output_size(self) -> int:
        """The side of the map it makes."""
        return -(-self.input_size // self.stride)

    @property
    def has_shortcut(self) -> bool:
        """Is the input added to the output? It is where both have the same shape."""
        return self.stride == 1 and self.in_channels == self.out_channels

    @property
    def is_fixed(self) -> bool:
        """Is there nothing to choose?"""
        return len(self.ops) == 1


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

    @property
    def size(self) -> int:
        """How many architectures it holds."""
        return prod(len(block.ops) for block in self.blocks)

    @property
    def features(self) -> int:
        """How many numbers the classifier gets."""
        last = self.feature_mix or self.blocks[-1]
        return last.out_channels


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """One network of a space: the operation of each block, by its place among the block's."""

    space: SearchSpace
    choices: tuple[int, ...]

    def __post_init__(self) -> None:
        blocks = self.space.blocks
        if len(self.choices) != len(blocks):
            raise InvalidConfig(
                "choices", f"{self.space.id} has {len(blocks)} blocks, got {len(self.choices)}"
            )
        for block, choice in zip(blocks, self.choices, strict=True):
            if not 0 <= choice < len(block.ops):
                raise InvalidConfig(
                    "choices", f"{block.name} has {len(block.ops)} operations, got {choice}"
                )

    @property
    def ops(self) -> tuple[OpSpec, ...]:
        """The operation of each block."""
        return tuple(
            block.ops[choice] for block, choice in zip(self.space.blocks, self.choices, strict=True)
        )
