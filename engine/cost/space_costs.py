"""What every architecture of a space costs: a fixed part and a number for each operation.

The latency an architecture is expected to have, if each block draws its operation, follows from
these by products with the probabilities: Cai et al. 2019, section 3.3.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.cost.correction import end_to_end, overhead_ms
from engine.cost.counting import FLOAT_BYTES, network_total
from engine.cost.model import CostModel, FloatArray
from engine.schema.architecture import BlockSpec, OpSpec, SearchSpace
from engine.schema.cost import PEAK_METRICS, Cost, Metric
from engine.schema.errors import InvalidConfig
from engine.schema.lowering import shared_layers, shared_parameters
from engine.schema.policy import LayerBits
from engine.schema.search_config import SearchConfig
from engine.schema.target import Target


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SpaceCosts:
    """One metric over a space, in the metric's unit."""

    metric: Metric
    fixed: float  # first convolution, feature mix, classifier; what surrounds tree cells
    blocks: tuple[FloatArray, ...]  # by decision, in the order of its operations; shapes (ops,)

    def cost(self, choices: Sequence[int]) -> float:
        """Return what an architecture costs; the same as its `network_cost`."""
        chosen = [float(ops[choice]) for ops, choice in zip(self.blocks, choices, strict=True)]
        return network_total(self.metric, [self.fixed, *chosen])

    @property
    def lowest(self) -> float:
        """What the cheapest architecture costs."""
        return network_total(self.metric, [self.fixed, *(float(ops.min()) for ops in self.blocks)])

    @property
    def highest(self) -> float:
        """What the dearest architecture costs."""
        return network_total(self.metric, [self.fixed, *(float(ops.max()) for ops in self.blocks)])

    @property
    def mean(self) -> float:
        """What one costs on average that draws each operation alike."""
        return network_total(self.metric, [self.fixed, *(float(ops.mean()) for ops in self.blocks)])


def space_costs(
    space: SearchSpace, cost_model: CostModel, metric: Metric, bits: LayerBits | None
) -> SpaceCosts:
    """Return what each operation of each block adds to a network; bits of None ask for float.

    Corrections of whole networks are in the numbers, as in a cost table's.

    Raises:
        InvalidConfig: the target does not know the metric, at all or of float; it cannot price an
            operation, which is named; or the metric is that of a single layer.
    """
    if metric in PEAK_METRICS:
        raise InvalidConfig("metric", f"{metric} is that of one layer, not a sum over blocks")
    is_latency, is_float = metric == "latency_ms", bits is None
    factor = end_to_end(cost_model.target, is_float=is_float) if is_latency else 1.0

    def value(cost: Cost) -> float:
        if metric not in cost:
            raise _unknown(cost_model, metric, bits)
        return cost[metric] * factor

    shared = shared_layers(space)
    affine = shared_parameters(space) - sum(layer.weights for layer in shared)
    other = affine * FLOAT_BYTES if metric == "model_bytes" else 0.0
    other = overhead_ms(cost_model.target, is_float=is_float) if is_latency else other
    return SpaceCosts(
        metric=metric,
        fixed=network_total(
            metric, [other, *(value(cost_model.layer_cost(layer, bits)) for layer in shared)]
        ),
        blocks=tuple(
            costs
            for block in space.blocks
            for costs in [
                np.array([value(_block_cost(cost_model, block, op, bits)) for op in block.ops])
            ]
            * block.decisions  # the edges of a tree cell have the same shape
        ),
    )


def pricing_bits(config: SearchConfig, target: Target) -> LayerBits | None:
    """Return the widths at which a search prices operations; None is float.

    Where the config names none, float, or 8 bit on a target that computes on integers alone.
    """
    if config.pricing_bits is not None:
        return LayerBits(weight_bits=config.pricing_bits, activation_bits=config.pricing_bits)
    if target.float_bits is None:
        return LayerBits(weight_bits=8, activation_bits=8)
    return None


def _block_cost(
    cost_model: CostModel, block: BlockSpec, op: OpSpec, bits: LayerBits | None
) -> Cost:
    try:
        return cost_model.block_cost(block, op, bits)
    except InvalidConfig as error:
        raise InvalidConfig(
            "target",
            f"{cost_model.target.id} cannot price {op.id} of {block.name}: {error.message}",
        ) from error


def _unknown(cost_model: CostModel, metric: Metric, bits: LayerBits | None) -> InvalidConfig:
    target = cost_model.target
    if bits is None and metric in target.metrics:
        return InvalidConfig("target", f"{target.id} has no {metric} for float; ask for bits")
    return InvalidConfig(
        "metric",
        f"{target.id} does not know {metric}; choose one of {', '.join(target.metrics)}",
    )
