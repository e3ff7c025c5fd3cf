"""From blocks to layers: what a cost model, and HAQ after a search, see of an architecture.

Layer names are those of the ProxylessNAS authors' checkpoints.
"""

from collections.abc import Sequence

from engine.schema.architecture import (
    Architecture,
    BlockSpec,
    ConvSpec,
    OpSpec,
    SearchSpace,
)
from engine.schema.codec import digest
from engine.schema.layers import LayerSpec, ModelSpec
from engine.schema.tree_cell import (
    edge_layers,
    edge_parameters,
    fixed_layers,
    fixed_parameters,
    tree_layers,
)

_AFFINE = 2  # batch norm's scale and shift, for each channel


def block_layers(
    block: BlockSpec, op: OpSpec, *, prefix: str = "", input_signed: bool = True
) -> tuple[LayerSpec, ...]:
    """Return the convolutions of a block with one of its operations; none for a skipped block.

    Of a tree block they are those of one edge. `input_signed` is true behind another block, since
    blocks end without an activation.
    """
    if block.form == "tree":
        return edge_layers(block, op, prefix=prefix)
    if op.kind != "mbconv":
        return ()
    middle = block.in_channels * op.expansion
    expand = _conv(
        f"{prefix}inverted_bottleneck.conv",
        _pointwise(block.in_channels, middle, block.input_size),
        input_signed=input_signed,
    )
    depthwise = LayerSpec(
        name=f"{prefix}depth_conv.conv",
        kind="depthwise",
        in_channels=middle,
        out_channels=middle,
        kernel_size=op.kernel_size,
        stride=block.stride,
        groups=middle,
        input_size=block.input_size,
        output_size=block.output_size,
        input_signed=input_signed and op.expansion == 1,
        weights=op.kernel_size**2 * middle,
        macs=op.kernel_size**2 * middle * block.output_size**2,
    )
    project = _conv(
        f"{prefix}point_linear.conv",
        _pointwise(middle, block.out_channels, block.output_size),
        input_signed=False,
    )
    return (depthwise, project) if op.expansion == 1 else (expand, depthwise, project)


def block_parameters(block: BlockSpec, op: OpSpec) -> int:
    """Return the parameters of a block (an edge) with an operation, batch norm included."""
    if block.form == "tree":
        return edge_parameters(block, op)
    return _parameters(block_layers(block, op))


def block_fixed_layers(block: BlockSpec, *, prefix: str = "") -> tuple[LayerSpec, ...]:
    """Return the convolutions that a block has whatever is chosen: those around a tree cell."""
    return fixed_layers(block, prefix=prefix) if block.form == "tree" else ()


def block_fixed_parameters(block: BlockSpec) -> int:
    """Return the parameters that a block has whatever is chosen, batch norm included."""
    return fixed_parameters(block) if block.form == "tree" else 0


def model_spec(architecture: Architecture) -> ModelSpec:
    """Return an architecture as a network of layers, in forward order."""
    space = architecture.space
    first, *rest = frame_layers(space)
    in_blocks = [
        layer
        for index, (block, ops) in enumerate(zip(space.blocks, architecture.block_ops, strict=True))
        for layer in _all_layers(block, ops, index)
    ]
    layers = (first, *in_blocks, *rest)
    parameters = shared_parameters(space) + sum(
        block_parameters(block, op)
        for block, op in zip(space.decisions, architecture.ops, strict=True)
    )
    return ModelSpec(
        model=space.id,
        input=space.input,
        classes=space.classes,
        parameters=parameters,
        macs=sum(layer.macs for layer in layers),
        model_hash=digest(layers)[:16],
        layers=layers,
    )


def _all_layers(block: BlockSpec, ops: Sequence[OpSpec], index: int) -> tuple[LayerSpec, ...]:
    if block.form == "tree":
        return tree_layers(block, ops, prefix=_tree_prefix(index))
    (op,) = ops
    prefix = f"blocks.{index}.mobile_inverted_conv."
    return block_layers(block, op, prefix=prefix, input_signed=index > 0)


def _tree_prefix(index: int) -> str:
    return f"blocks.{index + 1}."  # the authors count the stem as block 0


def frame_layers(space: SearchSpace) -> tuple[LayerSpec, ...]:
    """Return what surrounds the blocks: first convolution, feature mix if any, classifier."""
    is_tree = space.form == "tree"
    mix = space.feature_mix
    return (
        _conv(
            "blocks.0.layers.0.conv" if is_tree else "first_conv.conv",
            space.first_conv,
            input_signed=True,
        ),
        *([] if mix is None else [_conv("feature_mix_layer.conv", mix, input_signed=True)]),
        LayerSpec(
            name="classifier.linear",
            kind="linear",
            in_channels=space.features,
            out_channels=space.classes,
            input_signed=mix is None and not is_tree,  # a tree network ends in ReLU and pooling
            weights=space.features * space.classes,
            macs=space.features * space.classes,
        ),
    )


def frame_parameters(space: SearchSpace) -> int:
    """Return the parameters of what surrounds the blocks, batch norm included."""
    *convolutions, classifier = frame_layers(space)
    # The batch norm behind a tree network's last block belongs to no convolution.
    last = _AFFINE * space.features if space.form == "tree" else 0
    return _parameters(convolutions) + last + classifier.weights + space.classes


def shared_layers(space: SearchSpace) -> tuple[LayerSpec, ...]:
    """Return the layers that every architecture of a space has, in forward order."""
    first, *rest = frame_layers(space)
    around_cells = [
        layer
        for index, block in enumerate(space.blocks)
        for layer in block_fixed_layers(block, prefix=_tree_prefix(index))
    ]
    return (first, *around_cells, *rest)


def shared_parameters(space: SearchSpace) -> int:
    """Return the parameters that every architecture of a space has, batch norm included."""
    return frame_parameters(space) + sum(map(block_fixed_parameters, space.blocks))


def _pointwise(in_channels: int, out_channels: int, size: int) -> ConvSpec:
    return ConvSpec(
        in_channels=in_channels,
        out_channels=out_channels,
        kernel_size=1,
        stride=1,
        input_size=size,
    )


def _conv(name: str, conv: ConvSpec, *, input_signed: bool) -> LayerSpec:
    weights = conv.kernel_size**2 * conv.in_channels * conv.out_channels
    return LayerSpec(
        name=name,
        kind="pointwise" if conv.kernel_size == 1 else "conv",
        in_channels=conv.in_channels,
        out_channels=conv.out_channels,
        kernel_size=conv.kernel_size,
        stride=conv.stride,
        input_size=conv.input_size,
        output_size=conv.output_size,
        input_signed=input_signed,
        weights=weights,
        macs=weights * conv.output_size**2,
    )


def _parameters(convolutions: Sequence[LayerSpec]) -> int:
    return sum(layer.weights + _AFFINE * layer.out_channels for layer in convolutions)
