"""Latency of a processor from its data sheet: the roofline of Williams et al. 2009.

A layer takes as long as its arithmetic at a share of the peak, or as its traffic, and a kernel's
launch besides. Widths that the device lacks run as the next one up, in arithmetic and in memory.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from engine.cost.model import FloatArray, LayerTable
from engine.schema.cost import Metric
from engine.schema.layers import LayerSpec
from engine.schema.policy import MAX_BITS
from engine.schema.target import Target

_LOAD = 0.6  # share of the power limit that is drawn under load: a rule of thumb
_WIDTHS = range(1, MAX_BITS + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Roofline:
    """The formula with the figures of one data sheet."""

    batch: int
    peaks: tuple[tuple[int, float], ...]  # widths, ascending, with operations per second
    float_bits: int
    bandwidth: float  # bytes per second
    dense_share: float  # of the peak that dense layers reach
    depthwise_share: float
    launch_s: float  # of one kernel
    watts: float | None  # power limit

    @classmethod
    def of(cls, target: Target) -> "Roofline":
        """Return the formula of a catalogue entry."""
        constants = target.parameters
        assert target.float_bits is not None, "a roofline has a floating point"
        widths = (4, MAX_BITS, target.float_bits)
        return cls(
            batch=target.batch,
            peaks=tuple(
                (width, constants[f"ops_{width}"])
                for width in widths
                if f"ops_{width}" in constants
            ),
            float_bits=target.float_bits,
            bandwidth=constants["bandwidth"],
            dense_share=constants["dense_share"],
            depthwise_share=constants["depthwise_share"],
            launch_s=constants["launch_s"],
            watts=constants.get("watts"),
        )

    def layer_table(self, layer: LayerSpec) -> LayerTable:
        """Return latency, and energy where the power is known, at every pair of widths."""
        return _layer_table(self, layer)

    def seconds(
        self, layer: LayerSpec, weight_bits: int, activation_bits: int
    ) -> tuple[float, float]:
        """Return the time of the arithmetic and of the traffic, in seconds."""
        share = self.depthwise_share if layer.kind == "depthwise" else self.dense_share
        operations = 2 * layer.macs * self.batch
        stored = self.batch * layer.activations * self._supported(activation_bits)[0]
        stored += layer.weights * self._supported(weight_bits)[0]
        peak = self._supported(max(weight_bits, activation_bits))[1]
        return operations / (peak * share), stored / 8 / self.bandwidth

    def _supported(self, bits: int) -> tuple[int, float]:
        """Return the narrowest width of the device that holds these bits, and its peak."""
        return next((width, peak) for width, peak in self.peaks if width >= bits)


@lru_cache(maxsize=4096)
def _layer_table(formula: Roofline, layer: LayerSpec) -> LayerTable:
    stages = np.array([[formula.seconds(layer, w, a) for a in _WIDTHS] for w in _WIDTHS])
    compute, memory = stages[..., 0], stages[..., 1]
    latency_ms = (np.maximum(compute, memory) + formula.launch_s) * 1e3
    latency_ms.setflags(write=False)  # shared by every caller
    float_s = max(formula.seconds(layer, formula.float_bits, formula.float_bits))
    float_ms = (float_s + formula.launch_s) * 1e3
    values: dict[Metric, FloatArray] = {"latency_ms": latency_ms}
    float_values: dict[Metric, float] = {"latency_ms": float_ms}
    if formula.watts is not None:
        values["energy_mj"] = formula.watts * _LOAD * latency_ms
        float_values["energy_mj"] = formula.watts * _LOAD * float_ms
    return LayerTable(
        values=values,
        float_values=float_values,
        bound=np.select(
            [formula.launch_s > np.maximum(compute, memory), memory >= compute],
            ["fill", "memory"],
            "compute",
        ),
    )
