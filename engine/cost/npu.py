"""Latency on a small neural processor beside a microcontroller, from its data sheet.

It computes on 8 bits, reads activations from on-chip memory and weights from flash, and does the
three at once: the slowest counts. Narrower operands run as 8 bits.
"""

from dataclasses import dataclass

import numpy as np

from engine.cost.model import LayerTable
from engine.schema.layers import LayerSpec
from engine.schema.policy import MAX_BITS
from engine.schema.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Npu:
    """The formula with the figures of one configuration."""

    macs_per_cycle: float
    clock_hz: float
    dense_share: float  # of the multipliers that dense layers keep busy
    depthwise_share: float
    activation_bandwidth: float  # bytes per second
    weight_bandwidth: float

    @classmethod
    def of(cls, target: Target) -> "Npu":
        """Return the formula of a catalogue entry."""
        constants = target.parameters
        return cls(
            macs_per_cycle=constants["macs_per_cycle"],
            clock_hz=constants["clock_hz"],
            dense_share=constants["dense_share"],
            depthwise_share=constants["depthwise_share"],
            activation_bandwidth=constants["activation_bandwidth"],
            weight_bandwidth=constants["weight_bandwidth"],
        )

    def layer_table(self, layer: LayerSpec) -> LayerTable:
        """Return the latency of one layer, the same at every pair of widths."""
        share = self.depthwise_share if layer.kind == "depthwise" else self.dense_share
        compute = layer.macs / (self.macs_per_cycle * share * self.clock_hz)
        memory = max(
            layer.activations / self.activation_bandwidth, layer.weights / self.weight_bandwidth
        )
        shape = (MAX_BITS, MAX_BITS)
        return LayerTable(
            values={"latency_ms": np.full(shape, max(compute, memory) * 1e3)},
            bound=np.full(shape, "memory" if memory > compute else "compute"),
        )
