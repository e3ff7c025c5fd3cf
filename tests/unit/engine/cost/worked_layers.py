"""Three layers of MobileNetV2 at 224 px whose costs are worked out by hand for every device."""

from engine.schema.layers import LayerSpec
from engine.schema.policy import LayerBits

POINTWISE = LayerSpec(
    name="pointwise",
    kind="pointwise",
    in_channels=64,
    out_channels=384,
    input_size=14,
    output_size=14,
    weights=64 * 384,
    macs=64 * 384 * 14**2,
)
DEPTHWISE = LayerSpec(
    name="depthwise",
    kind="depthwise",
    in_channels=384,
    out_channels=384,
    kernel_size=3,
    groups=384,
    input_size=14,
    output_size=14,
    weights=9 * 384,
    macs=9 * 384 * 14**2,
)
LINEAR = LayerSpec(
    name="linear",
    kind="linear",
    in_channels=1280,
    out_channels=1000,
    weights=1_280_000,
    macs=1_280_000,
)


def bits(weight_bits: int, activation_bits: int) -> LayerBits:
    return LayerBits(weight_bits=weight_bits, activation_bits=activation_bits)
