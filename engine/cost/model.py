"""What every cost model answers, and what a device's formula must give for that."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from engine.schema.cost import Cost, Metric
from engine.schema.layers import LayerSpec, ModelSpec
from engine.schema.policy import LayerBits, Policy
from engine.schema.target import Target

FloatArray = npt.NDArray[np.float64]


class CostModel(Protocol):
    """Prices layers and networks on one target, in the units that the metrics' names say."""

    @property
    def target(self) -> Target:
        """The device that is priced."""
        ...

    def layer_cost(self, layer: LayerSpec, bits: LayerBits) -> Cost:
        """Return every metric of one layer, and what bounds its latency."""
        ...

    def network_cost(self, spec: ModelSpec, policy: Policy | None) -> Cost:
        """Return every metric of a whole network; None asks for float, as far as it is known.

        Raises:
            InvalidConfig: the policy leaves out a layer of the network or names another.
        """
        ...

    def cost_table(self, layers: Sequence[LayerSpec], metric: Metric) -> FloatArray:
        """Return what each layer adds to the network's cost; shape (layers, 8, 8).

        The index is [layer, weight bits - 1, activation bits - 1]. A network's cost is the sum
        over its layers plus `fixed_cost`, so whole-network corrections are in here too.

        Raises:
            InvalidConfig: the target does not know the metric.
        """
        ...

    def fixed_cost(self, spec: ModelSpec, metric: Metric) -> float:
        """Return what a network costs whatever its policy."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LayerTable:
    """One layer on a device at every pair of widths; shapes (8, 8), index as in `cost_table`."""

    values: Mapping[Metric, FloatArray]
    bound: npt.NDArray[np.str_]  # "compute", "memory" or "fill"


class DeviceFormula(Protocol):
    """How a device's own metrics follow from a layer's shape and bits."""

    def layer_table(self, layer: LayerSpec) -> LayerTable:
        """Return the layer's own metrics at every pair of widths."""
        ...
