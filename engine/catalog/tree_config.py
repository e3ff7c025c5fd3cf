"""The ProxylessNAS authors' `net.config` of a tree-cell network for CIFAR, read and written."""

from engine.catalog.config_part import Json, Part, require_same, without
from engine.catalog.space_rows import Label, Row, space_of_rows
from engine.schema.architecture import (
    IDENTITY,
    TREE_EXPANSION,
    Architecture,
    BlockSpec,
    OpSpec,
    choose,
    sepconv,
)
from engine.schema.errors import InvalidConfig
from engine.schema.layers import InputSpec

TREE_NAME = "PyramidTreeNet"
NATIVE_SIZE = 32  # px; the file does not say

_ORDER = "bn_act_weight"
_OPTIONAL: dict[str, object] = {"dilation": 1, "groups": 1, "bias": False, "has_shuffle": False}
# Regularisers of training: they change no shape.
_TRAINING = (
    "dropout_rate",
    "path_drop_rate",
    "cell_drop_rate",
    "cell_drop_scheme",
    "tree_node_config",
)
_POOLS = {
    "avg": OpSpec(kind="avgpool", kernel_size=3),
    "max": OpSpec(kind="maxpool", kernel_size=3),
}
_EDGE_LAYERS = {"IdentityLayer": None, "DepthConvLayer": None, "PoolingLayer": None}


def read_tree_config(file: Part, label: Label) -> Architecture:
    """Return the network of a file, for images of 32 px.

    Raises:
        InvalidConfig: naming the first place that is no network of tree cells.
    """
    first, *blocks, _last = file.parts("blocks", least=3)
    stem = first.parts("layers")[0]
    rows, ops = [], []
    for block in blocks:
        root = block.part("cell").parts("edges")[0]
        rows.append(Row(block.part("out_bottle").whole("out_channels"), root.whole("stride")))
        ops += _edges(block.part("cell").parts("child_nodes")[0])
    space = space_of_rows(
        label,
        form="tree",
        input=InputSpec(channels=stem.whole("in_channels"), size=NATIVE_SIZE),
        classes=file.part("classifier").whole("out_features"),
        stem=stem.whole("out_channels"),
        stem_stride=stem.whole("stride"),
        rows=rows,
        feature_mix=None,
    )
    architecture = choose(space, ops)
    require_same(
        without(file.data, _TRAINING),
        without(tree_config(architecture), _TRAINING),
        "",
        optional=_OPTIONAL,
    )
    return architecture


def tree_config(architecture: Architecture) -> Json:
    """Return a tree-cell network as the authors' code reads it."""
    space = architecture.space
    stem, last = space.first_conv, space.blocks[-1]
    return {
        "name": TREE_NAME,
        "blocks": [
            {
                "name": "TransitionBlock",
                "layers": [
                    _conv(
                        stem.in_channels, stem.out_channels, 3, stem.stride, act=None, norm=False
                    ),
                    _identity(stem.out_channels, norm=True),
                ],
            },
            *(
                _block(block, ops)
                for block, ops in zip(space.blocks, architecture.block_ops, strict=True)
            ),
            {"name": "TransitionBlock", "layers": [_last_pool(last)]},
        ],
        "classifier": {
            "name": "LinearLayer",
            "in_features": space.features,
            "out_features": space.classes,
            "bias": True,
            "use_bn": False,
            "act_func": None,
            "dropout_rate": 0,
            "ops_order": _ORDER,
        },
    }


def _edges(split: Part) -> list[OpSpec]:
    """Return the operations of a cell in forward order: an edge, then those behind it."""
    ops = []
    for branch in split.parts("child_nodes", least=2):
        nodes = branch.parts("child_nodes", least=2)
        for edge, node in zip(branch.parts("edges", least=2), nodes, strict=False):
            ops += [_op(edge), *(_op(each) for each in node.parts("edges", least=2))]
    return ops


def _op(edge: Part) -> OpSpec:
    name = edge.word("name", _EDGE_LAYERS)
    if name == "IdentityLayer":
        return IDENTITY
    if name == "PoolingLayer":
        return _POOLS[edge.word("pool_type", _POOLS)]
    kernel_size = edge.whole("kernel_size")
    if kernel_size % 2 == 0:
        raise InvalidConfig(edge.at("kernel_size"), f"must be odd, got {kernel_size}")
    return sepconv(kernel_size, dilation=edge.whole("dilation", 1))


def _block(block: BlockSpec, ops: tuple[OpSpec, ...]) -> Json:
    planes = block.planes
    shortcut = _identity(block.in_channels)
    if block.stride == 2:
        shortcut = _pool("avg", block.in_channels, 2, 2)
    return {
        "name": "ResidualTreeBlock",
        "cell_drop_rate": 0.0,
        "final_bn": True,
        "shortcut": shortcut,
        "in_bottle": _conv(block.in_channels, planes, 1, 1, act=None),
        "out_bottle": _conv(planes, TREE_EXPANSION * planes, 1, 1, act="relu"),
        "cell": _node(
            planes,
            planes,
            [_conv(planes, 2 * planes, 3, block.stride, act="relu", groups=2)],
            [_split(planes, ops)],
            split=None,
        ),
    }


def _split(planes: int, ops: tuple[OpSpec, ...]) -> Json:
    half = len(ops) // 2
    branches = [_first_node(planes, ops[:half]), _first_node(planes, ops[half:])]
    return _node(2 * planes, planes, [_identity(planes)] * 2, branches, split="split")


def _first_node(planes: int, ops: tuple[OpSpec, ...]) -> Json:
    """Return a branch of six operations: two edges, each followed by the two behind it."""
    behind = [
        _node(planes, planes, [_edge(planes, op) for op in pair], [None, None])
        for pair in (ops[1:3], ops[4:6])
    ]
    return _node(planes, planes, [_edge(planes, ops[0]), _edge(planes, ops[3])], behind)


def _node(
    in_channels: int,
    out_channels: int,
    edges: list[Json],
    child_nodes: list[Json] | list[None],
    *,
    split: str | None = "copy",
) -> Json:
    return {
        "name": "TreeNode",
        "in_channels": in_channels,
        "out_channels": out_channels,
        "split_type": split,
        "merge_type": None if split is None else "add",
        "has_branch_bn": split == "split",
        "path_drop_rate": 0,
        "edges": edges,
        "child_nodes": child_nodes,
    }


def _edge(planes: int, op: OpSpec) -> Json:
    if op.kind == "identity":
        return _identity(planes)
    if op.kind in ("avgpool", "maxpool"):
        return _pool(op.kind.removesuffix("pool"), planes, op.kernel_size, 1)
    convolution = _conv(planes, planes, op.kernel_size, 1, act="relu", dilation=op.dilation)
    return convolution | {"name": "DepthConvLayer"}


def _conv(
    in_channels: int,
    out_channels: int,
    kernel_size: int,
    stride: int,
    *,
    act: str | None,
    norm: bool = True,
    groups: int = 1,
    dilation: int = 1,
) -> Json:
    return {
        "name": "ConvLayer",
        "kernel_size": kernel_size,
        "stride": stride,
        "dilation": dilation,
        "groups": groups,
        "bias": False,
        "has_shuffle": groups > 1,
        **_ends(in_channels, out_channels, norm=norm, act=act),
    }


def _identity(channels: int, *, norm: bool = False) -> Json:
    return {"name": "IdentityLayer", **_ends(channels, channels, norm=norm, act=None)}


def _pool(kind: str, channels: int, kernel_size: int, stride: int) -> Json:
    return {
        "name": "PoolingLayer",
        "pool_type": kind,
        "kernel_size": kernel_size,
        "stride": stride,
        **_ends(channels, channels, norm=False, act=None),
    }


def _last_pool(block: BlockSpec) -> Json:
    channels, size = block.out_channels, block.output_size
    ends = _ends(channels, channels, norm=True, act="relu")
    return _pool("avg", channels, size, size) | ends


def _ends(in_channels: int, out_channels: int, *, norm: bool, act: str | None) -> Json:
    return {
        "in_channels": in_channels,
        "out_channels": out_channels,
        "use_bn": norm,
        "act_func": act,
        "dropout_rate": 0,
        "ops_order": _ORDER,
    }
