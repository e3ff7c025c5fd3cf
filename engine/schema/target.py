"""A target device as the catalogue lists it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from engine.schema.cost import Metric, Provenance
from engine.schema.cost_table import CostTable

ALL_BITS = tuple(range(1, 9))


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A device one can ask for: what it can tell of a network, and how well that is known."""

    id: str
    title: str
    description: str  # one sentence for the person who chooses
    metrics: tuple[Metric, ...]  # the device's own first; counted ones follow
    weight_bits: tuple[int, ...]  # widths it gains from, ascending
    activation_bits: tuple[int, ...]
    batch: int  # images per run; latency_ms and energy_mj are for all of them
    float_bits: int | None = None  # width of its floating point; None: it computes on integers
    provenance: Provenance  # of the device's own metrics
    validation: str
    source: str
    formula: str  # which cost model of engine.cost prices it
    parameters: Mapping[str, float] = field(default_factory=dict)  # of that formula
    table: str = ""  # measured rows that come before the formula, by the name of their file
    # What the device holds at most; a network beyond one of these does not run on it.
    limits: Mapping[Metric, float] = field(default_factory=dict)
    # What a network run end to end takes of the sum of its layers' latencies.
    end_to_end: float = 1.0
    float_end_to_end: float | None = None  # the same in float; None: as at bits
    overhead_ms: float = 0.0  # what every network takes beside that
    float_overhead_ms: float = 0.0
    # How the source sums a network where it leaves layers out; "": as here, all layers.
    published_convention: Literal["", "without the first convolution and the classifier"] = ""
    cost_table: CostTable | None = None  # the times of a target that is a table
