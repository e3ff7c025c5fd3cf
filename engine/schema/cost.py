"""Costs: a number is never bare, it says where it comes from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

Metric = Literal[
    "latency_ms", "energy_mj", "model_bytes", "macs", "bit_ops", "peak_activation_bytes"
]
COUNTED_METRICS: Final[tuple[Metric, ...]] = (
    "model_bytes",
    "macs",
    "bit_ops",
    "peak_activation_bytes",
)
# What is known where activations stay float: no device's metric is.
WEIGHT_METRICS: Final[tuple[Metric, ...]] = ("model_bytes", "macs")
# A network has the most of any of its layers; of the other metrics it has their sum.
PEAK_METRICS: Final[frozenset[Metric]] = frozenset({"peak_activation_bytes"})

Provenance = Literal["measured", "simulated", "table", "fit", "estimate", "counted"]
Bound = Literal["compute", "memory", "fill"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A number with its provenance; the unit is in the metric's name."""

    value: float
    provenance: Provenance
    validation: str = ""  # how well the source is known to agree with reality
    device: str = ""  # where it was measured, or which device it stands for


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a layer or a network costs on a target, metric by metric."""

    values: Mapping[Metric, Value] = field(default_factory=dict)
    bound: Bound | None = None  # what a single layer's latency is limited by

    def __getitem__(self, metric: Metric) -> float:
        return self.values[metric].value

    def __contains__(self, metric: object) -> bool:
        return metric in self.values


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """An upper limit on one metric of the whole network."""

    metric: Metric
    limit: float  # in the metric's unit
