"""What every cost model answers, and what a device's formula must give for that."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, get_args

import numpy as np
import numpy.typing as npt

from engine.schema.architecture import Architecture, BlockSpec, OpSpec
from engine.schema.cost import Bound, Cost, Metric, Provenance
from engine.schema.layers import LayerSpec, ModelSpec
from engine.schema.policy import LayerBits, Policy
from engine.schema.target import Target

FloatArray = npt.NDArray[np.float64]
Cell = tuple[int, int]  # weight bits - 1, activation bits - 1


class CostModel(Protocol):
    """Prices layers, blocks and networks on one target, in the units that the metrics' names say.

    Bits of None ask for float: every metric that the target knows of it.
    """

    @property
    def target(self) -> Target:
        """The device that is priced."""
        ...

    def layer_cost(self, layer: LayerSpec, bits: LayerBits | None) -> Cost:
        """Return every metric of one layer by itself, and what bounds its latency."""
        ...

    def block_cost(self, block: BlockSpec, op: OpSpec, bits: LayerBits | None) -> Cost:
        """Return every metric of a block by itself, with one width in all its layers.

        A skipped block costs nothing.
        """
        ...

    def network_cost(self, network: ModelSpec | Architecture, policy: Policy | None) -> Cost:
        """Return every metric of a whole network.

        Raises:
            InvalidConfig: the policy leaves out a layer of the network or names another.
        """
        ...

    def layer_costs(self, spec: ModelSpec, policy: Policy | None) -> tuple[Cost, ...]:
        """Return what each layer adds to the network's cost, in order.

        Raises:
            InvalidConfig: the policy leaves out a layer of the network or names another.
        """
        ...

    def cost_table(self, layers: Sequence[LayerSpec], metric: Metric) -> FloatArray:
        """Return what each layer adds to the network's cost; shape (layers, 8, 8).

        The index is [layer, weight bits - 1, activation bits - 1]. A network's cost is the sum
        over its layers plus `fixed_cost`, so whole-network corrections are in here too. Of a
        peak metric it is the most of any layer.

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
    bound: npt.NDArray[np.str_] | None  # "compute", "memory" or "fill"; None: it is not known
    float_values: Mapping[Metric, float] = field(default_factory=dict)  # where it has float
    provenance: Provenance | None = None  # of `values`; None: the target's
    float_provenance: Provenance | None = None  # of `float_values`; None: the target's

    def at(self, metric: Metric, cell: Cell | None) -> float:
        """The value at a pair of widths, or of float."""
        return self.float_values[metric] if cell is None else float(self.values[metric][cell])

    def sureness(self, cell: Cell | None) -> Provenance | None:
        """How the value there is known; None: as the target says."""
        return self.float_provenance if cell is None else self.provenance

    def bound_at(self, cell: Cell | None) -> Bound | None:
        """What bounds the latency at a pair of widths; None for float."""
        if cell is None or self.bound is None:
            return None
        word = str(self.bound[cell])
        return next(bound for bound in get_args(Bound) if bound == word)


class LayerFormula(Protocol):
    """How a device's own metrics follow from one layer's shape and bits."""

    def layer_table(self, layer: LayerSpec) -> LayerTable:
        """Return the layer's own metrics at every pair of widths."""
        ...


class DeviceFormula(Protocol):
    """How a device's own metrics follow from layers that stand in a row."""

    def layer_tables(self, layers: Sequence[LayerSpec]) -> Sequence[LayerTable]:
        """Return each layer's share; the same layer may cost another in other company."""
        ...


@dataclass(frozen=True, slots=True)
class LayerByLayer:
    """A device on which a layer costs the same whatever stands beside it."""

    formula: LayerFormula

    def layer_tables(self, layers: Sequence[LayerSpec]) -> Sequence[LayerTable]:
        """Return each layer's own table."""
        return [self.formula.layer_table(layer) for layer in layers]
