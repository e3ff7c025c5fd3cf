"""What a network costs on a target, layer by layer, as one JSON object."""

from collections.abc import Sequence
from typing import Any

from engine.cost.counting import network_total
from engine.cost.model import CostModel
from engine.schema.cost import COUNTED_METRICS, Cost, Metric, Value
from engine.schema.errors import InvalidConfig
from engine.schema.layers import LayerSpec, ModelSpec
from engine.schema.policy import MAX_BITS, LayerBits, Policy
from engine.schema.target import Target

Json = dict[str, Any]  # Any: JSON's own values


def price(spec: ModelSpec, cost_model: CostModel, policy: Policy | None) -> Json:
    """Return the total with its provenance, the total by the source's convention, and each layer.

    None prices the float network: its layers have null for bits.

    Raises:
        InvalidConfig: float on a target that prices bits only, or a policy for other layers.
    """
    total = cost_model.network_cost(spec, policy)
    target = cost_model.target
    report: Json = {
        "model": spec.model,
        "model_hash": spec.model_hash,
        "target": target.id,
        "batch": target.batch,
        "total": {metric: _value(value) for metric, value in total.values.items()},
    }
    if target.limits:
        report["limits"] = _limits(target, total)
    if policy is None:
        _require_float(cost_model, total)
    layers = [
        _layer(layer, None if policy is None else policy[layer.name], cost)
        for layer, cost in zip(spec.layers, cost_model.layer_costs(spec, policy), strict=True)
    ]
    if target.published_convention and policy is not None:
        report["published_total"] = {
            **_inner_totals(_device_metrics(cost_model), layers),
            "convention": target.published_convention,
        }
    return report | {"layers": layers}


def _require_float(cost_model: CostModel, total: Cost) -> None:
    missing = [metric for metric in _device_metrics(cost_model) if metric not in total]
    if missing:
        target = cost_model.target
        raise InvalidConfig(
            "target",
            f"{target.id} prices bits only and has no {missing[0]} for float; ask for bits "
            f"from 1 to {MAX_BITS}, or price float on the target counted",
        )


def _device_metrics(cost_model: CostModel) -> list[Metric]:
    return [metric for metric in cost_model.target.metrics if metric not in COUNTED_METRICS]


def _inner_totals(metrics: Sequence[Metric], layers: Sequence[Json]) -> Json:
    """Sum up without the first convolution and the classifier."""
    return {
        metric: network_total(metric, [layer[metric] for layer in layers[1:-1]])
        for metric in metrics
    }


def _limits(target: Target, total: Cost) -> Json:
    """Return what the device holds at most, and whether the network keeps to it."""
    return {
        metric: {"limit": limit, "fits": total[metric] <= limit}
        for metric, limit in target.limits.items()
    }


def _value(value: Value) -> Json:
    entry: Json = {"value": value.value, "provenance": value.provenance}
    if value.validation:
        entry["validation"] = value.validation
    return entry


def _layer(layer: LayerSpec, bits: LayerBits | None, cost: Cost) -> Json:
    entry: Json = {
        "name": layer.name,
        "kind": layer.kind,
        "weight_bits": None if bits is None else bits.weight_bits,
        "activation_bits": None if bits is None else bits.activation_bits,
        **{metric: value.value for metric, value in cost.values.items()},
    }
    own = [
        value.provenance for metric, value in cost.values.items() if metric not in COUNTED_METRICS
    ]
    if own:
        entry["provenance"] = own[0]  # a device's metrics of one layer are known alike
    if cost.bound is not None:
        entry["bound"] = cost.bound
    return entry
