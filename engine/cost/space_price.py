"""What the networks of a space cost on a target, as one JSON object."""

from typing import Any

from engine.cost.model import CostModel
from engine.cost.space_costs import space_costs
from engine.schema.architecture import SearchSpace
from engine.schema.cost import PEAK_METRICS
from engine.schema.policy import LayerBits

Json = dict[str, Any]  # Any: JSON's own values


def space_price(space: SearchSpace, cost_model: CostModel, bits: LayerBits | None) -> Json:
    """Return the lowest, the mean and the highest of each metric that adds up over blocks.

    The mean is that of a network drawn at random. `bits` of None asks for float.

    Raises:
        InvalidConfig: the target has no float, or cannot price an operation, which is named.
    """
    target = cost_model.target
    is_float = bits is None
    metrics = [
        metric
        for metric in target.metrics
        if metric not in PEAK_METRICS and not (is_float and metric == "bit_ops")
    ]
    spans = {metric: space_costs(space, cost_model, metric, bits) for metric in metrics}
    return {
        "space": space.id,
        "title": space.title,
        "architectures": space.size,
        "target": target.id,
        "weight_bits": None if bits is None else bits.weight_bits,
        "activation_bits": None if bits is None else bits.activation_bits,
        "provenance": target.provenance,
        "validation": target.validation,
        "metrics": {
            metric: {"lowest": span.lowest, "mean": span.mean, "highest": span.highest}
            for metric, span in spans.items()
        },
    }
