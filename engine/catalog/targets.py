"""The target devices one may choose: one entry each."""

from engine.schema.errors import InvalidConfig
from engine.schema.target import ALL_BITS, Target

TARGETS: dict[str, Target] = {
    entry.id: entry
    for entry in (
        Target(
            id="bismo-cloud",
            title="BISMO, cloud FPGA (VU9P)",
            description="A bit-serial matrix multiplier on a large FPGA, 16 images at a time: "
            "every bit of weights or activations saved is time saved.",
            metrics=("latency_ms", "model_bytes", "macs", "bit_ops"),
            weight_bits=ALL_BITS,
            activation_bits=ALL_BITS,
            batch=16,
            provenance="simulated",
            validation="Reproduces HAQ's published latencies at 4, 5, 6 and 8 bits: MobileNetV2 "
            "within 0.02 %, MobileNetV1 within 0.1 %. For single layers at 2 to 8 bits the mean "
            "error against HAQ's table is 0.13 %, the largest 6.9 %.",
            source="Umuroglu et al. 2018 (BISMO); Wang et al. 2019 (HAQ), tables 2 to 4",
            formula="bismo-cloud",
            parameters={
                "array": 16,  # rows and columns of dot-product units
                "word_bits": 256,  # of one memory word, and of one dot product
                "buffer_bits": 2**26,  # on-chip activations
                "clock_hz": 200e6,
            },
            published_convention="without the first convolution and the classifier",
        ),
        Target(
            id="counted",
            title="No device: size and operations",
            description="Counts bytes and operations alone; use it when the device is open.",
            metrics=("model_bytes", "bit_ops", "macs"),
            weight_bits=ALL_BITS,
            activation_bits=ALL_BITS,
            batch=1,
            provenance="counted",
            validation="Exact by definition: weights at their bits, all other parameters at 32.",
            source="Counting",
            formula="counted",
        ),
    )
}


def target_entry(target_id: str) -> Target:
    """Return a target of the catalogue.

    Raises:
        InvalidConfig: there is none of that id.
    """
    entry = TARGETS.get(target_id)
    if entry is None:
        raise InvalidConfig(
            "target", f"{target_id!r} is not known; choose one of {', '.join(TARGETS)}"
        )
    return entry
