"""Networks of tree cells for small images: Cai et al. 2019, section 4.1.

Every layer has batch norm and ReLU in front of its weights. Modules are named as in the authors'
code. The edges of a cell are given from outside, so that a network and a supernet share the rest.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.nn.initialise import initialise
from engine.schema.architecture import Architecture, BlockSpec, OpSpec, SearchSpace

_GROUPS = 2  # of the convolution that makes a cell's two branches

EdgeMaker = Callable[[BlockSpec, int], nn.Module]  # the block, and the edge's place in its cell


class NormConv(nn.Module):
    """Batch norm, ReLU where there is an activation, a convolution without bias."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        kernel_size: int = 1,
        stride: int = 1,
        groups: int = 1,
        active: bool = True,
    ) -> None:
        super().__init__()
        self.bn = nn.BatchNorm2d(in_channels)
        self.conv = nn.Conv2d(
            in_channels,
            out_channels,
            kernel_size,
            stride=stride,
            padding=kernel_size // 2,
            groups=groups,
            bias=False,
        )
        self.active = active

    def forward(self, map_NCHW: Tensor) -> Tensor:
        """Return the next map."""
        normalised_NCHW: Tensor = self.bn(map_NCHW)
        if self.active:
            normalised_NCHW = functional.relu(normalised_NCHW, inplace=True)
        result_NCHW: Tensor = self.conv(normalised_NCHW)
        if self.conv.groups == 1:
            return result_NCHW
        return functional.channel_shuffle(result_NCHW, self.conv.groups)


class SepConv(nn.Module):
    """Batch norm, ReLU, a depthwise convolution and a 1x1 one; the map keeps its shape."""

    def __init__(self, channels: int, *, kernel_size: int, dilation: int) -> None:
        super().__init__()
        self.bn = nn.BatchNorm2d(channels)
        self.depth_conv = nn.Conv2d(
            channels,
            channels,
            kernel_size,
            padding=kernel_size // 2 * dilation,
            dilation=dilation,
            groups=channels,
            bias=False,
        )
        self.point_conv = nn.Conv2d(channels, channels, 1, bias=False)

    def forward(self, map_NCHW: Tensor) -> Tensor:
        """Return the next map."""
        active_NCHW = functional.relu(self.bn(map_NCHW), inplace=True)
        result_NCHW: Tensor = self.point_conv(self.depth_conv(active_NCHW))
        return result_NCHW


class TreeNode(nn.Module):
    """Copies of a map through edges and the nodes behind them, added up."""

    def __init__(self, edges: Sequence[nn.Module], child_nodes: Sequence[nn.Module] = ()) -> None:
        super().__init__()
        self.edges = nn.ModuleList(edges)
        self.child_nodes = nn.ModuleList(child_nodes)

    def forward(self, map_NCHW: Tensor) -> Tensor:
        """Return the sum over the edges."""
        if not len(self.child_nodes):
            return _sum([edge(map_NCHW) for edge in self.edges])
        pairs = zip(self.edges, self.child_nodes, strict=True)
        return _sum([node(edge(map_NCHW)) for edge, node in pairs])


class SplitNode(nn.Module):
    """Halves of a map, each through a branch with batch norm and a shortcut; added up."""

    def __init__(self, planes: int, branches: Sequence[TreeNode]) -> None:
        super().__init__()
        self.child_nodes = nn.ModuleList(branches)
        self.branch_bns = nn.ModuleList(nn.BatchNorm2d(planes) for _ in branches)

    def forward(self, map_NCHW: Tensor) -> Tensor:
        """Return the sum over the branches."""
        # Taken by their places: a tracer cannot walk over them.
        halves = map_NCHW.chunk(len(self.child_nodes), dim=1)
        return _sum(
            [
                norm(branch(halves[place])) + halves[place]
                for place, (branch, norm) in enumerate(
                    zip(self.child_nodes, self.branch_bns, strict=True)
                )
            ]
        )


class RootNode(nn.Module):
    """The grouped convolution that carries a cell's stride, and the split behind it."""

    def __init__(self, block: BlockSpec, edges: Sequence[nn.Module]) -> None:
        super().__init__()
        planes = block.planes
        self.edges = nn.ModuleList(
            [NormConv(planes, 2 * planes, kernel_size=3, stride=block.stride, groups=_GROUPS)]
        )
        half = len(edges) // 2
        branches = [_branch(edges[:half]), _branch(edges[half:])]
        self.child_nodes = nn.ModuleList([SplitNode(planes, branches)])

    def forward(self, map_NCHW: Tensor) -> Tensor:
        """Return the cell's map."""
        result_NCHW: Tensor = self.child_nodes[0](self.edges[0](map_NCHW))
        return result_NCHW


class TreeBlock(nn.Module):
    """A bottleneck around a tree cell, and a shortcut padded with channels of zeros."""

    def __init__(self, block: BlockSpec, edges: Sequence[nn.Module]) -> None:
        super().__init__()
        self.in_bottle = NormConv(block.in_channels, block.planes, active=False)
        self.cell = RootNode(block, edges)
        self.out_bottle = NormConv(block.planes, block.out_channels)
        self.final_bn = nn.BatchNorm2d(block.out_channels)
        self.shortcut = nn.AvgPool2d(2) if block.stride == 2 else nn.Identity()
        self.padding = block.out_channels - block.in_channels

    def forward(self, map_NCHW: Tensor) -> Tensor:
        """Return the next map."""
        shortcut_NCHW: Tensor = self.shortcut(map_NCHW)
        if self.padding:
            shortcut_NCHW = functional.pad(shortcut_NCHW, (0, 0, 0, 0, 0, self.padding))
        result_NCHW: Tensor = self.final_bn(self.out_bottle(self.cell(self.in_bottle(map_NCHW))))
        return result_NCHW + shortcut_NCHW


class TreeNetwork(nn.Module):
    """First convolution, blocks, batch norm and ReLU, pooling, classifier."""

    def __init__(self, space: SearchSpace, edge: EdgeMaker) -> None:
        super().__init__()
        stem = space.first_conv
        places = iter(range(len(space.decisions)))
        blocks = [
            TreeBlock(block, [edge(block, next(places)) for _ in range(block.decisions)])
            for block in space.blocks
        ]
        self.blocks = nn.ModuleList(
            [
                _Stem(stem.in_channels, stem.out_channels, stride=stem.stride),
                *blocks,
                _Last(space.features),
            ]
        )
        self.classifier = _Classifier(space.features, space.classes)

    def forward(self, images_NCHW: Tensor) -> Tensor:
        """Return logits_NK."""
        map_NCHW = images_NCHW
        for block in self.blocks:
            map_NCHW = block(map_NCHW)
        logits_NK: Tensor = self.classifier(map_NCHW.flatten(1))
        return logits_NK


def tree_network(architecture: Architecture, *, generator: torch.Generator) -> TreeNetwork:
    """Return a network with first weights from the generator; the ambient one is not touched."""
    with torch.device("meta"):
        network = plain_tree(architecture)
    network.to_empty(device="cpu")
    initialise(network, generator)
    return network


def plain_tree(architecture: Architecture) -> TreeNetwork:
    """Return the network of an architecture with whatever weights torch draws."""
    ops = architecture.ops
    return TreeNetwork(architecture.space, lambda block, place: edge_operation(block, ops[place]))


def edge_operation(block: BlockSpec, op: OpSpec) -> nn.Module:
    """Return one operation of an edge as plain layers."""
    if op.kind == "sepconv":
        return SepConv(block.planes, kernel_size=op.kernel_size, dilation=op.dilation)
    if op.kind == "identity":
        return nn.Identity()
    padding = op.kernel_size // 2
    if op.kind == "avgpool":
        return nn.AvgPool2d(op.kernel_size, stride=1, padding=padding, count_include_pad=False)
    return nn.MaxPool2d(op.kernel_size, stride=1, padding=padding)


class _Stem(nn.Module):
    def __init__(self, in_channels: int, out_channels: int, *, stride: int) -> None:
        super().__init__()
        convolution, norm = nn.Module(), nn.Module()
        convolution.conv = nn.Conv2d(
            in_channels, out_channels, 3, stride=stride, padding=1, bias=False
        )
        norm.bn = nn.BatchNorm2d(out_channels)
        self.layers = nn.ModuleList([convolution, norm])

    def forward(self, images_NCHW: Tensor) -> Tensor:
        map_NCHW: Tensor = self.get_submodule("layers.0.conv")(images_NCHW)
        normalised_NCHW: Tensor = self.get_submodule("layers.1.bn")(map_NCHW)
        return normalised_NCHW


class _Last(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        pool = nn.Module()
        pool.bn = nn.BatchNorm2d(channels)
        self.layers = nn.ModuleList([pool])

    def forward(self, map_NCHW: Tensor) -> Tensor:
        normalised_NCHW: Tensor = self.get_submodule("layers.0.bn")(map_NCHW)
        active_NCHW = functional.relu(normalised_NCHW, inplace=True)
        return functional.adaptive_avg_pool2d(active_NCHW, 1)


class _Classifier(nn.Module):
    def __init__(self, features: int, classes: int) -> None:
        super().__init__()
        self.linear = nn.Linear(features, classes)

    def forward(self, features_NC: Tensor) -> Tensor:
        logits_NK: Tensor = self.linear(features_NC)
        return logits_NK


def _branch(edges: Sequence[nn.Module]) -> TreeNode:
    """Return a branch of six edges, in forward order: one, the two behind it, and so again."""
    return TreeNode([edges[0], edges[3]], [TreeNode(edges[1:3]), TreeNode(edges[4:6])])


def _sum(maps: Sequence[Tensor]) -> Tensor:
    total_NCHW, *others = maps
    for each_NCHW in others:
        total_NCHW = total_NCHW + each_NCHW
    return total_NCHW
