"""Processors known from their data sheets alone: estimates, until somebody measures."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from engine.schema.cost import COUNTED_METRICS
from engine.schema.target import Target

_KIB = 1024
_ROOFLINE = "Compared with no measurement: data-sheet peaks at a rule-of-thumb share of them"
_LAUNCH_BOUND = "one image at a time, where starting kernels takes longer than small layers do"


def _gpu(
    target_id: str,
    title: str,
    parameters: Mapping[str, float],
    *,
    bits: tuple[int, ...],
    source: str,
    validation: str = f"{_ROOFLINE}.",
) -> Iterator[Target]:
    """Return a GPU at batch 1, where bits hardly matter, and at batch 32, where they do."""
    single = Target(
        id=target_id,
        title=title,
        description=f"Tensor cores, float as 16 bit; {_LAUNCH_BOUND}.",
        metrics=("latency_ms", "energy_mj", *COUNTED_METRICS),
        weight_bits=bits,
        activation_bits=bits,
        batch=1,
        float_bits=16,
        provenance="estimate",
        validation=validation,
        source=source,
        formula="roofline",
        parameters={
            "dense_share": 0.5,
            "depthwise_share": 0.04,  # no tensor cores
            "launch_s": 3e-6,
            **parameters,
        },
    )
    yield single
    yield replace(
        single,
        id=f"{target_id}-batch-32",
        title=f"{title}, 32 images at a time",
        description="Tensor cores, float as 16 bit; 32 images at a time.",
        batch=32,
    )


DATA_SHEETS: tuple[Target, ...] = (
    *_gpu(
        "nvidia-t4",
        "NVIDIA T4",
        {"ops_4": 260e12, "ops_8": 130e12, "ops_16": 65e12, "bandwidth": 320e9, "watts": 70},
        bits=(4, 8),
        source="NVIDIA T4 data sheet; Yao et al. 2021 (HAWQ-V3)",
        validation=f"{_ROOFLINE}. ResNet-50 in 4 bits runs 1.32 times as fast as in 8 here, 1.88 "
        "times at 32 images; HAWQ-V3 measured 1.45 times.",
    ),
    *_gpu(
        "nvidia-a100",
        "NVIDIA A100 (40 GB)",
        {"ops_4": 1248e12, "ops_8": 624e12, "ops_16": 312e12, "bandwidth": 1555e9, "watts": 400},
        bits=(4, 8),
        source="NVIDIA A100 data sheet",
    ),
    *_gpu(
        "nvidia-h100",
        "NVIDIA H100 (SXM)",
        {"ops_8": 1979e12, "ops_16": 989e12, "bandwidth": 3350e9, "watts": 700},
        bits=(8,),
        source="NVIDIA H100 data sheet; it has no 4-bit tensor cores",
    ),
    Target(
        id="apple-a12",
        title="Apple A12 (Neural Engine)",
        description="A phone's neural engine of 8 bits, float as 16 bit at half the rate; fewer "
        "than 8 bits gain nothing.",
        metrics=("latency_ms", *COUNTED_METRICS),
        weight_bits=(8,),
        activation_bits=(8,),
        batch=1,
        float_bits=16,
        provenance="estimate",
        validation=f"{_ROOFLINE}.",
        source="Published figures: 5 TOPS at 8 bits, LPDDR4X at 34.1 GB/s",
        formula="roofline",
        parameters={
            "ops_8": 5e12,
            "ops_16": 2.5e12,
            "bandwidth": 34.1e9,
            "dense_share": 0.5,
            "depthwise_share": 0.06,
            "launch_s": 5e-6,
        },
    ),
    Target(
        id="cortex-m7",
        title="Arm Cortex-M7 (STM32F746, 216 MHz)",
        description="A microcontroller with 1 MiB of flash and 320 KiB of memory. Fewer than 8 "
        "bits save both and cost a quarter more time, for unpacking.",
        metrics=("latency_ms", "energy_mj", *COUNTED_METRICS),
        weight_bits=(8,),
        activation_bits=(8,),
        batch=1,
        provenance="estimate",
        validation="Cycles from CMSIS-NN's published network (1.73 for each multiply-accumulate) "
        "and rules of thumb for depthwise layers, unpacking and power. The limits leave 96 KiB "
        "of flash for code and 16 KiB of memory for the stack and window buffers.",
        source="Lai et al. 2018 (CMSIS-NN); STM32F746 data sheet",
        formula="microcontroller",
        parameters={
            "clock_hz": 216e6,
            "conv_cycles": 1.7,
            "depthwise_cycles": 3.6,
            "linear_cycles": 1.9,
            "unpacking": 1.25,
            "watts": 0.125,
        },
        limits={
            "model_bytes": (1024 - 96) * _KIB,
            "peak_activation_bytes": (320 - 16) * _KIB,
        },
    ),
    Target(
        id="ethos-u55",
        title="Arm Ethos-U55 (256 MACs, 500 MHz)",
        description="A small neural processor of 8 bits that reads its weights from flash; fewer "
        "bits make the file smaller and nothing faster.",
        metrics=("latency_ms", *COUNTED_METRICS),
        weight_bits=(8,),
        activation_bits=(8,),
        batch=1,
        provenance="estimate",
        validation="Compared with no measurement: multipliers at a rule-of-thumb share, memory "
        "at the bandwidths of Arm's default system. Weight compression is left out.",
        source="Arm Ethos-U55 and Vela performance documentation",
        formula="npu",
        parameters={
            "macs_per_cycle": 256,
            "clock_hz": 500e6,
            "dense_share": 0.8,
            "depthwise_share": 1 / 8,
            "activation_bandwidth": 4e9,
            "weight_bandwidth": 0.5e9,
        },
    ),
)
