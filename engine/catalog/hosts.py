"""The machine itself as a target: it has no times until a profile has measured them."""

from engine.schema.cost import COUNTED_METRICS
from engine.schema.cost_table import Host
from engine.schema.target import Target

_METRICS = ("latency_ms", *COUNTED_METRICS)
_BEFORE = "Not measured yet: a profile times every block of a space or model on it"

HOSTS: dict[str, Target] = {
    entry.id: entry
    for entry in (
        Target(
            id="host-cpu",
            title="This host's CPU (ONNX Runtime)",
            description="Whole blocks, timed on the machine that computes here, in float and in "
            "8 bits. There are no kernels below 8 bits: fewer bits make the file smaller and "
            "nothing faster.",
            metrics=_METRICS,
            weight_bits=(8,),
            activation_bits=(8,),
            batch=1,
            float_bits=32,
            provenance="measured",
            validation=f"{_BEFORE}, then checks it with whole networks.",
            source="A profile run on this machine",
            formula="table",
        ),
        Target(
            id="host-gpu",
            title="This host's CUDA GPU (PyTorch)",
            description="Whole blocks, timed on the graphics card of the machine that computes "
            "here, in 32-bit and 16-bit float. PyTorch has no 8-bit convolutions on CUDA, so bits "
            "make the file smaller and nothing faster.",
            metrics=_METRICS,
            weight_bits=(8,),
            activation_bits=(8,),
            batch=1,
            float_bits=16,
            provenance="measured",
            validation=f"{_BEFORE}, then checks it with whole networks.",
            source="A profile run on this machine",
            formula="table",
        ),
    )
}


def host_id(device: Host) -> str:
    """Return the id of the host whose device a profile measures."""
    return "host-gpu" if device == "cuda" else "host-cpu"


def host_device(target_id: str) -> Host:
    """Return what a profile measures for a host's id."""
    return "cuda" if target_id == "host-gpu" else "cpu"
