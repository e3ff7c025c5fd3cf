"""Accelerators whose working is modelled: bit-serial and fused arrays, a plain systolic one."""

from engine.schema.cost import COUNTED_METRICS
from engine.schema.target import ALL_BITS, Target

_KIB = 8 * 1024  # bits
_BITFUSION_WIDTHS = (2, 4, 8)
_BITFUSION_SOURCE = "Sharma et al. 2018 (BitFusion)"

ACCELERATORS: tuple[Target, ...] = (
    Target(
        id="bismo-cloud",
        title="BISMO, cloud FPGA (VU9P)",
        description="A bit-serial matrix multiplier on a large FPGA, 16 images at a time: "
        "every bit of weights or activations saved is time saved.",
        metrics=("latency_ms", *COUNTED_METRICS),
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
        id="bismo-edge",
        title="BISMO, edge FPGA (Zynq-7020)",
        description="The bit-serial multiplier on a small FPGA, one image at a time: bound by "
        "memory, so the activation bits of depthwise layers matter most.",
        metrics=("latency_ms", *COUNTED_METRICS),
        weight_bits=ALL_BITS,
        activation_bits=ALL_BITS,
        batch=1,
        provenance="fit",
        validation="Fitted to the eight totals HAQ publishes (MobileNetV1 and V2 at 4, 5, 6 and "
        "8 bits): within 2.3 % of each. How a total splits into layers is not validated, and "
        "classifiers, which HAQ leaves out, are extrapolated.",
        source="Umuroglu et al. 2018 (BISMO); Wang et al. 2019 (HAQ), tables 2 to 4",
        formula="bismo-edge",
        parameters={
            "array": 8,
            "depth_bits": 256,  # of one dot product
            "bus_bits": 64,
            "clock_hz": 200e6,
        },
        published_convention="without the first convolution and the classifier",
    ),
    Target(
        id="bitfusion",
        title="BitFusion 8x8",
        description="An array of multipliers that fuse from 2-bit bricks. Bits of 3, 5, 6 and 7 "
        "compute as the next width it has (2, 4, 8); memory traffic keeps the exact bits.",
        metrics=("latency_ms", "energy_mj", *COUNTED_METRICS),
        weight_bits=_BITFUSION_WIDTHS,
        activation_bits=_BITFUSION_WIDTHS,
        batch=1,
        provenance="simulated",
        validation="Against HAQ's figures for MobileNetV1 at 4, 6 and 8 bits: latency within 4 %, "
        "energy within 9 % (its two constants are calibrated to them). Tilings are chosen for time "
        "at each width, so in single layers fewer bits can cost more; 2 bits hardly beat 4.",
        source=f"{_BITFUSION_SOURCE}; Wang et al. 2019 (HAQ), tables 4 and 5",
        formula="bitfusion",
        parameters={
            "rows": 8,
            "columns": 8,
            "activation_buffer_bits": 64 * _KIB,
            "weight_buffer_bits": 256 * _KIB,
            "output_buffer_bits": 16 * _KIB,
            "memory_bits_per_cycle": 128,
            "clock_hz": 500e6,
            "core_pj_per_cycle": 939,
            "memory_pj_per_bit": 30.2,
        },
    ),
    Target(
        id="bitfusion-eyeriss",
        title="BitFusion 16x32 (the area of Eyeriss)",
        description="A larger array with smaller buffers. Bits of 3, 5, 6 and 7 compute as "
        "the next width it has (2, 4, 8); memory traffic keeps the exact bits.",
        metrics=("latency_ms", "energy_mj", *COUNTED_METRICS),
        weight_bits=_BITFUSION_WIDTHS,
        activation_bits=_BITFUSION_WIDTHS,
        batch=1,
        provenance="simulated",
        validation="Against APQ's released table at 4, 6 and 8 bits, on average: 1x1 convolutions "
        "within 1 % of latency (400 rows) and, where that is exact, 0.3 % of energy; depthwise "
        "ones within 3 % of latency (220 rows). Tilings are chosen for time at each width, so in "
        "single layers fewer bits can cost more.",
        source=f"{_BITFUSION_SOURCE}; Wang et al. 2020 (APQ)",
        formula="bitfusion",
        parameters={
            "rows": 16,
            "columns": 32,
            "activation_buffer_bits": 32 * _KIB,
            "weight_buffer_bits": 64 * _KIB,
            "output_buffer_bits": 16 * _KIB,
            "memory_bits_per_cycle": 192,
            "clock_hz": 500e6,
            "core_pj_per_cycle": 595,
            "memory_pj_per_bit": 17.3,
            # Depthwise layers: a group of channels for each row and fused product.
            "group_rows": 8,
            "group_activation_buffer_bits": 16 * _KIB,
            "group_output_buffer_bits": 4 * _KIB,
        },
    ),
    Target(
        id="systolic",
        title="Systolic array, 12x14 (like Eyeriss)",
        description="A plain 16-bit array: fewer bits save traffic and energy, hardly any time.",
        metrics=("latency_ms", "energy_mj", *COUNTED_METRICS),
        weight_bits=ALL_BITS,
        activation_bits=ALL_BITS,
        batch=1,
        provenance="estimate",
        validation="Cycles as SCALE-Sim counts them, output stationary; energy from Eyeriss's "
        "ratios of access costs. Compared with no measurement.",
        source="Samajdar et al. 2018 (SCALE-Sim); Chen et al. 2016 (Eyeriss)",
        formula="systolic",
        parameters={
            "rows": 12,
            "columns": 14,
            "word_bits": 16,
            "clock_hz": 200e6,
            "bandwidth": 4.8e9,  # bytes per second: 192 bits each cycle
            "mac_pj": 3.2,  # 16 bits, 45 nm
        },
    ),
)
