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

_AFFINE = 2  # batch norm's scale and shift, for each channel


def block_layers(
    block: BlockSpec, op: OpSpec, *, prefix: str = "", input_signed: bool = True
) -> tuple[LayerSpec, ...]:
    """Return the convolutions of a block with one of its operations; none for a skipped block.

    `input_signed` is true behind another block, since blocks end without an activation.
    """
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
    """Return the parameters of a block with one of its operations, batch norm included."""
    return _parameters(block_layers(block, op))


def model_spec(architecture: Architecture) -> ModelSpec:
    """Return an architecture as a network of layers, in forward order."""
    space = architecture.space
    blocks = [
        block_layers(
            block, op, prefix=f"blocks.{index}.mobile_inverted_conv.", input_signed=index > 0
        )
        for index, (block, op) in enumerate(zip(space.blocks, architecture.ops, strict=True))
    ]
    first, *rest = frame_layers(space)
    layers = (first, *(layer for block in blocks for layer in block), *rest)
    return ModelSpec(
        model=space.id,
        input=space.input,
        classes=space.classes,
        parameters=_parameters(layers[:-1]) + layers[-1].weights + space.classes,
        macs=sum(layer.macs for layer in layers),
        model_hash=digest(layers)[:16],
        layers=layers,
    )


def frame_layers(space: SearchSpace) -> tuple[LayerSpec, ...]:
    """Return what surrounds the blocks: first convolution, feature mix if any, classifier."""
    mix = space.feature_mix
    return (
        _conv("first_conv.conv", space.first_conv, input_signed=True),
        *([] if mix is None else [_conv("feature_mix_layer.conv", mix, input_signed=True)]),
        LayerSpec(
            name="classifier.linear",
            kind="linear",
            in_channels=space.features,
            out_channels=space.classes,
            input_signed=mix is None,
            weights=space.features * space.classes,
            macs=space.features * space.classes,
        ),
    )


def frame_parameters(space: SearchSpace) -> int:
    """Return the parameters of what surrounds the blocks."""
    *convolutions, classifier = frame_layers(space)
    return _parameters(convolutions) + classifier.weights + space.classes


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
