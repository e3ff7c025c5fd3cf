"""Latency and energy on a microcontroller that runs CMSIS-NN's 8-bit kernels.

Lai et al. 2018 time a network of 24.7 million operations at 99.1 ms on a Cortex-M7 of 216 MHz,
1.73 cycles a multiply-accumulate. Narrower operands save memory alone: they are unpacked to 8
bits first, which costs cycles.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from engine.cost.model import LayerTable
from engine.schema.layers import LayerSpec
from engine.schema.policy import MAX_BITS
from engine.schema.target import Target

_UNPACKED = np.full((MAX_BITS, MAX_BITS), True)
_UNPACKED[-1, -1] = False  # both at 8 bits


@dataclass(frozen=True, slots=True, kw_only=True)
class Microcontroller:
    """The formula with the constants of one device."""

    clock_hz: float
    conv_cycles: float  # for each multiply-accumulate
    depthwise_cycles: float
    linear_cycles: float
    unpacking: float  # times the cycles, where an operand is narrower than 8 bits
    watts: float

    @classmethod
    def of(cls, target: Target) -> "Microcontroller":
        """Return the formula of a catalogue entry."""
        constants = target.parameters
        return cls(
            clock_hz=constants["clock_hz"],
            conv_cycles=constants["conv_cycles"],
            depthwise_cycles=constants["depthwise_cycles"],
            linear_cycles=constants["linear_cycles"],
            unpacking=constants["unpacking"],
            watts=constants["watts"],
        )

    def layer_table(self, layer: LayerSpec) -> LayerTable:
        """Return latency and energy of one layer at every pair of widths."""
        return _layer_table(self, layer)

    def cycles(self, layer: LayerSpec) -> float:
        """Return the cycles of one layer at 8 bits."""
        if layer.kind == "depthwise":
            return layer.macs * self.depthwise_cycles
        return layer.macs * (self.linear_cycles if layer.kind == "linear" else self.conv_cycles)


@lru_cache(maxsize=4096)
def _layer_table(formula: Microcontroller, layer: LayerSpec) -> LayerTable:
    cycles = formula.cycles(layer) * np.where(_UNPACKED, formula.unpacking, 1.0)
    latency_ms = cycles / formula.clock_hz * 1e3
    latency_ms.setflags(write=False)  # shared by every caller
    return LayerTable(
        values={"latency_ms": latency_ms, "energy_mj": formula.watts * latency_ms},
        bound=np.full(latency_ms.shape, "compute"),
    )
