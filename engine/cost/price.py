"""What a network costs on a target, layer by layer, as one JSON object."""

from collections.abc import Sequence
from math import fsum
from typing import Any

from engine.cost.counting import COUNTED_METRICS, float_layer_counts
from engine.cost.model import CostModel
from engine.schema.cost import Cost, Metric, Value
from engine.schema.errors import InvalidConfig
from engine.schema.layers import LayerSpec, ModelSpec
from engine.schema.policy import LayerBits, Policy

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
    if policy is None:
        _require_float(cost_model, total)
        return report | {"layers": [_float_layer(layer) for layer in spec.layers]}
    layers = [_layer(layer, policy[layer.name], cost_model) for layer in spec.layers]
    if target.published_convention:
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
            f"{target.id} prices bits only and has no {missing[0]} for float; "
            f"ask for bits from {target.weight_bits[0]} to {target.weight_bits[-1]}, "
            "or price float on the target counted",
        )


def _device_metrics(cost_model: CostModel) -> list[Metric]:
    return [metric for metric in cost_model.target.metrics if metric not in COUNTED_METRICS]


def _inner_totals(metrics: Sequence[Metric], layers: Sequence[Json]) -> Json:
    """Sum up without the first convolution and the classifier."""
    return {metric: fsum(layer[metric] for layer in layers[1:-1]) for metric in metrics}


def _value(value: Value) -> Json:
    entry: Json = {"value": value.value, "provenance": value.provenance}
    if value.validation:
        entry["validation"] = value.validation
    return entry


def _layer(layer: LayerSpec, bits: LayerBits, cost_model: CostModel) -> Json:
    cost = cost_model.layer_cost(layer, bits)
    entry: Json = {
        "name": layer.name,
        "kind": layer.kind,
        "weight_bits": bits.weight_bits,
        "activation_bits": bits.activation_bits,
        **{metric: value.value for metric, value in cost.values.items()},
    }
    if cost.bound is not None:
        entry["bound"] = cost.bound
    return entry


def _float_layer(layer: LayerSpec) -> Json:
    return {
        "name": layer.name,
        "kind": layer.kind,
        "weight_bits": None,
        "activation_bits": None,
    } | {str(metric): value for metric, value in float_layer_counts(layer).items()}
