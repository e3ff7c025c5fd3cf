"""The operation that tells how fast the machine is at the moment."""

from typing import Final

from engine.profiling.fragments import Fragment, Part
from engine.schema.layers import LayerSpec

# A convolution over maps that stay in the cache: its time is arithmetic, so it follows the clock.
REFERENCE: Final = Fragment(
    parts=(
        Part(
            layers=(
                LayerSpec(
                    name="reference",
                    kind="pointwise",
                    in_channels=64,
                    out_channels=384,
                    input_size=14,
                    output_size=14,
                    weights=64 * 384,
                    macs=64 * 384 * 14**2,
                ),
            )
        ),
    )
)
