"""Results of HAQ's other modes: `haq_run`'s made-up one with weights alone, or held against."""

from dataclasses import replace

from engine.catalog.targets import target_entry
from engine.cost.pricing import cost_model
from engine.schema.cost import Budget
from engine.schema.policy import LayerBits, Policy
from engine.schema.quantize_config import QuantizeConfig
from engine.schema.results import (
    Candidate,
    Comparison,
    Contender,
    Interval,
    PairedDifference,
    QuantizeResult,
)
from tests import haq_run
from tests.configs import quantize_config

SIZE = quantize_config(quantizer="kmeans", budgets=(Budget(metric="model_bytes", limit=230_000.0),))
DROP = quantize_config(
    accuracy_drop=0.01,
    objective="latency_ms",
    budgets=(Budget(metric="model_bytes", limit=300_000.0),),
)


def size_result(config: QuantizeConfig = SIZE, *, scored: int = 6) -> QuantizeResult:
    """Return a result whose activations stay float."""
    result = haq_run.result(config, scored=scored)
    costs = cost_model(target_entry(config.target))

    def of_weights(row: Contender) -> Contender:
        policy = _of_weights(row.policy)
        return replace(row, policy=policy, cost=costs.network_cost(result.model, policy))

    def priced(point: Candidate) -> Candidate:
        policy = _of_weights(point.policy)
        cost = costs.network_cost(result.model, policy)
        known = {metric: value.value for metric, value in cost.values.items()}
        return replace(point, policy=policy, costs=known)

    front = replace(result.front, points=tuple(map(priced, result.front.points)))
    return replace(
        result,
        contenders=tuple(map(of_weights, result.contenders)),
        candidates=tuple(map(priced, result.candidates)),
        front=front,
        sensitivity=tuple(replace(row, activation_losses={}) for row in result.sensitivity),
    )


def drop_result(config: QuantizeConfig = DROP, *, scored: int = 6) -> QuantizeResult:
    """Return a result whose first budget the run found, as an accuracy drop's does."""
    found = Budget(metric="latency_ms", limit=3.6)
    searched = replace(config, accuracy_drop=None, objective=None, budgets=(found, *config.budgets))
    return haq_run.result(searched, scored=scored)


def compared(
    result: QuantizeResult, *, loss: Interval | None, second: str = "solver"
) -> QuantizeResult:
    """Return a result whose agent is held against a strategy; None: both found one policy."""
    difference = (
        None
        if loss is None
        else PairedDifference(
            split="report",
            images=6000,
            is_tuned=True,
            loss=loss,
            accuracy=Interval(mean=0.004, low=-0.001, high=0.009),
        )
    )
    comparison = Comparison(
        first="agent",
        second=second,
        same_policy=difference is None,
        differences=(difference,) if difference else (),
        first_evaluations=40,
        second_evaluations=1,
        first_seconds=21.5,
        second_seconds=0.4,
    )
    return replace(result, comparisons=(*result.comparisons, comparison))


def _of_weights(policy: Policy | None) -> Policy | None:
    if policy is None:
        return None
    layers = {name: LayerBits(weight_bits=bits.weight_bits) for name, bits in policy.layers.items()}
    return Policy(layers=layers, model_hash=policy.model_hash)
