"""The residual block with a tree cell of the CIFAR space, as layers: Cai et al. 2019, section 4.1.

    input - in_bottle - root - split - two branches, added - out_bottle - batch norm - + shortcut
    branch: first node of two edges, each with a second node of two edges behind it; all added

Every layer has batch norm and ReLU in front of its weights. Names are those of the authors' code.
"""

from collections.abc import Sequence
from itertools import product
from typing import NamedTuple

from engine.schema.architecture import BlockSpec, OpSpec
from engine.schema.layers import LayerSpec

_ROOT_GROUPS = 2  # of the convolution that splits the cell's input into two branches
_AFFINE = 2  # batch norm's scale and shift, for each channel


class Edge(NamedTuple):
    """Where an edge lies in a cell."""

    branch: int  # 0, 1: of the root
    first: int  # 0, 1: edge of the branch's first node
    second: int | None  # 0, 1: edge of the node behind that edge; None: it is that edge itself

    @property
    def name(self) -> str:
        """Its name within a block."""
        node = f"cell.child_nodes.0.child_nodes.{self.branch}"
        if self.second is None:
            return f"{node}.edges.{self.first}"
        return f"{node}.child_nodes.{self.first}.edges.{self.second}"


# In the order in which a forward pass meets them, which is that of an architecture's choices.
EDGES: tuple[Edge, ...] = tuple(Edge(*place) for place in product((0, 1), (0, 1), (None, 0, 1)))


def edge_layers(block: BlockSpec, op: OpSpec, *, prefix: str = "") -> tuple[LayerSpec, ...]:
    """Return the convolutions of one edge; pools and identity have none."""
    if op.kind != "sepconv":
        return ()
    planes, size = block.planes, block.output_size
    depthwise = LayerSpec(
        name=f"{prefix}depth_conv",
        kind="depthwise",
        in_channels=planes,
        out_channels=planes,
        kernel_size=op.kernel_size,
        groups=planes,
        dilation=op.dilation,
        input_size=size,
        output_size=size,
        input_signed=False,
        weights=op.kernel_size**2 * planes,
        macs=op.kernel_size**2 * planes * size**2,
    )
    return depthwise, _pointwise(f"{prefix}point_conv", planes, planes, size, input_signed=True)


def edge_parameters(block: BlockSpec, op: OpSpec) -> int:
    """Return the parameters of one edge, batch norm included."""
    layers = edge_layers(block, op)
    affine = _AFFINE * block.planes if layers else 0
    return sum(layer.weights for layer in layers) + affine


def fixed_layers(block: BlockSpec, *, prefix: str = "") -> tuple[LayerSpec, ...]:
    """Return the convolutions that every architecture has: in, root and out, in forward order."""
    planes = block.planes
    root_weights = 9 * planes * 2 * planes // _ROOT_GROUPS
    root = LayerSpec(
        name=f"{prefix}cell.edges.0.conv",
        kind="grouped",
        in_channels=planes,
        out_channels=2 * planes,
        kernel_size=3,
        stride=block.stride,
        groups=_ROOT_GROUPS,
        input_size=block.input_size,
        output_size=block.output_size,
        input_signed=False,
        weights=root_weights,
        macs=root_weights * block.output_size**2,
    )
    return (
        _pointwise(
            f"{prefix}in_bottle.conv",
            block.in_channels,
            planes,
            block.input_size,
            input_signed=True,  # batch norm without an activation is in front of it
        ),
        root,
        _pointwise(
            f"{prefix}out_bottle.conv",
            planes,
            block.out_channels,
            block.output_size,
            input_signed=False,
        ),
    )


def fixed_parameters(block: BlockSpec) -> int:
    """Return the parameters that every architecture has, batch norm included.

    Batch norm stands before in, root and out, behind each of the two branches, and at the end.
    """
    channels = block.in_channels + 4 * block.planes + block.out_channels
    return sum(layer.weights for layer in fixed_layers(block)) + _AFFINE * channels


def tree_layers(
    block: BlockSpec, ops: Sequence[OpSpec], *, prefix: str = ""
) -> tuple[LayerSpec, ...]:
    """Return the convolutions of a block with an operation for each edge, in forward order."""
    into, root, out = fixed_layers(block, prefix=prefix)
    edges = [
        layer
        for edge, op in zip(EDGES, ops, strict=True)
        for layer in edge_layers(block, op, prefix=f"{prefix}{edge.name}.")
    ]
    return (into, root, *edges, out)


def _pointwise(
    name: str, in_channels: int, out_channels: int, size: int, *, input_signed: bool
) -> LayerSpec:
    weights = in_channels * out_channels
    return LayerSpec(
        name=name,
        kind="pointwise",
        in_channels=in_channels,
        out_channels=out_channels,
        input_size=size,
        output_size=size,
        input_signed=input_signed,
        weights=weights,
        macs=weights * size**2,
    )
