"""The ProxylessNAS authors' `net.config` of a mobile network, read and written."""

from engine.catalog.config_part import Json, Part, require_same, without
from engine.catalog.space_rows import Label, Row, row_with, space_of_rows
from engine.schema.architecture import (
    ZERO,
    Architecture,
    BlockSpec,
    ConvSpec,
    OpSpec,
    choose,
    mbconv,
)
from engine.schema.errors import InvalidConfig
from engine.schema.layers import InputSpec

MOBILE_NAME = "ProxylessNASNets"
NATIVE_SIZE = 224  # px; the file does not say

# What the authors' reader takes where a key is missing.
_OPTIONAL: dict[str, object] = {
    "dilation": 1,
    "groups": 1,
    "bias": False,
    "has_shuffle": False,
    "ops_order": "weight_bn_act",
    "feature_mix_layer": None,
    "shortcut": None,
}
# Constants of training change no shape, and the engine has its own. A middle width that is written
# out was looked at by itself.
_TRAINING = ("bn", "dropout_rate", "mid_channels")


def read_mobile_config(file: Part, label: Label) -> Architecture:
    """Return the network of a file, for images of 224 px.

    Raises:
        InvalidConfig: naming the first place that is no ProxylessNAS network.
    """
    stem = file.part("first_conv")
    blocks = file.parts("blocks")
    mix = file.optional_part("feature_mix_layer")
    rows, ops = _rows(blocks, stem.whole("out_channels"))
    space = space_of_rows(
        label,
        form="mobile",
        input=InputSpec(channels=stem.whole("in_channels"), size=NATIVE_SIZE),
        classes=file.part("classifier").whole("out_features"),
        stem=stem.whole("out_channels"),
        stem_stride=stem.whole("stride"),
        rows=rows,
        feature_mix=None if mix is None else mix.whole("out_channels"),
    )
    architecture = choose(space, ops)
    require_same(
        without(file.data, _TRAINING),
        without(mobile_config(architecture), _TRAINING),
        "",
        optional=_OPTIONAL,
    )
    return architecture


def mobile_config(architecture: Architecture) -> Json:
    """Return a mobile network as the authors' code reads it."""
    space = architecture.space
    mix = space.feature_mix
    return {
        "name": MOBILE_NAME,
        "bn": {"momentum": 0.1, "eps": 0.001},
        "first_conv": _conv(space.first_conv),
        "blocks": [
            _block(block, op) for block, op in zip(space.blocks, architecture.ops, strict=True)
        ],
        "feature_mix_layer": None if mix is None else _conv(mix),
        "classifier": {
            "name": "LinearLayer",
            "in_features": space.features,
            "out_features": space.classes,
            "bias": True,
            "use_bn": False,
            "act_func": None,
            "dropout_rate": 0,
            "ops_order": "weight_bn_act",
        },
    }


def _rows(blocks: list[Part], channels: int) -> tuple[list[Row], list[OpSpec]]:
    rows, ops = [], []
    for block in blocks:
        body = block.part("mobile_inverted_conv")
        name = body.word("name", {"MBInvertedConvLayer": None, "ZeroLayer": None})
        if name == "ZeroLayer":
            op, width, stride = ZERO, channels, body.whole("stride")
            if stride != 1:
                raise InvalidConfig(body.at("stride"), f"a skipped block has 1, got {stride}")
        else:
            op, width, stride = _mbconv(body), body.whole("out_channels"), body.whole("stride")
        rows.append(row_with(op, in_channels=channels, width=width, stride=stride))
        ops.append(op)
        channels = width
    return rows, ops


def _mbconv(body: Part) -> OpSpec:
    expansion, in_channels = body.whole("expand_ratio"), body.whole("in_channels")
    if body.data.get("mid_channels") not in (None, expansion * in_channels):
        raise InvalidConfig(
            body.at("mid_channels"),
            f"must be null or expand_ratio times in_channels, {expansion * in_channels}; other "
            "widths are not supported",
        )
    kernel_size = body.whole("kernel_size")
    if kernel_size % 2 == 0:
        raise InvalidConfig(body.at("kernel_size"), f"must be odd, got {kernel_size}")
    return mbconv(kernel_size, expansion)


def _block(block: BlockSpec, op: OpSpec) -> Json:
    body: Json = {"name": "ZeroLayer", "stride": block.stride}
    if op != ZERO:
        body = {
            "name": "MBInvertedConvLayer",
            "in_channels": block.in_channels,
            "out_channels": block.out_channels,
            "kernel_size": op.kernel_size,
            "stride": block.stride,
            "expand_ratio": op.expansion,
            "mid_channels": None,
        }
    shortcut = {
        "name": "IdentityLayer",
        "in_channels": block.in_channels,
        "out_channels": block.out_channels,
        "use_bn": False,
        "act_func": None,
        "dropout_rate": 0,
        "ops_order": "weight_bn_act",
    }
    return {
        "name": "MobileInvertedResidualBlock",
        "mobile_inverted_conv": body,
        "shortcut": shortcut if block.has_shortcut else None,
    }


def _conv(conv: ConvSpec) -> Json:
    return {
        "name": "ConvLayer",
        "kernel_size": conv.kernel_size,
        "stride": conv.stride,
        "dilation": 1,
        "groups": 1,
        "bias": False,
        "has_shuffle": False,
        "in_channels": conv.in_channels,
        "out_channels": conv.out_channels,
        "use_bn": True,
        "act_func": "relu6",
        "dropout_rate": 0,
        "ops_order": "weight_bn_act",
    }
