"""Why a policy is what it is: templates over numbers, layer by layer and by kind of layer.

Three numbers decide how many bits an operand gets: its layer's share of the cost, how much a bit
less saves there, and how much loss a width was measured to add.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

import numpy as np

from engine.cost.model import CostModel, FloatArray
from engine.schema.cost import Budget
from engine.schema.layers import LayerKind, ModelSpec
from engine.schema.policy import FLOAT_BITS, MAX_BITS, Policy
from engine.schema.results import QuantizeResult
from engine.solver.knapsack import solve
from engine.solver.losses import additive_losses
from engine.solver.problem import policy_problem

Operand = Literal["weights", "activations"]
_FULL = MAX_BITS - 1  # index of 8 bits
_ALIKE = 0.1  # bits
_SMALL, _LARGE = 0.5, 2.0  # of the median: below is little, above is much
_NAMES: dict[LayerKind, str] = {
    "conv": "full convolutions",
    "pointwise": "pointwise layers",
    "depthwise": "depthwise layers",
    "grouped": "grouped convolutions",
    "linear": "linear layers",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why one operand of one layer got its bits."""

    layer: str
    kind: LayerKind
    operand: Operand
    bits: int
    mean_bits: float  # of that operand over the free layers
    cost_share: float  # of the network's cost at 8 bits, 0-1
    saved: float  # share of the network's cost that these bits save against 8; may be negative
    loss: float  # what these bits were measured to add, alone; in the measure of the run
    why: str  # which of these numbers stand out: "it costs much"; "": none does
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KindBits:
    """The mean bits of all layers of one kind, on two targets at the same share of the cost."""

    kind: LayerKind
    operand: Operand
    first: float
    second: float
    text: str


def explain(result: QuantizeResult, costs: CostModel) -> tuple[Reason, ...]:
    """Return a reason for every chosen width of the found policy, the most unusual first."""
    policy = result.contender(result.found).policy
    assert policy is not None
    metric = result.budgets[0].metric
    losses = additive_losses(result.sensitivity)
    table = costs.cost_table(result.model.layers, metric)
    total = float(table[:, _FULL, _FULL].sum()) + costs.fixed_cost(result.model, metric)
    shares = table / total
    reasons: list[Reason] = []
    for operand in _operands(policy):
        reasons += _of_operand(operand, result, policy, losses, shares)
    return tuple(sorted(reasons, key=lambda one: -abs(one.bits - one.mean_bits)))


def compare_targets(
    result: QuantizeResult, first: CostModel, second: CostModel, *, share: float
) -> tuple[KindBits, ...]:
    """Return how the best predicted policies of two targets differ, by kind of layer.

    Both are held to the same share of what 8 bits cost them, and lose by the same sensitivities.

    Raises:
        BudgetUnreachable: a target cannot get down to that share.
    """
    widths = sorted(
        {int(bits) for one in result.sensitivity for bits in one.weight_losses} | {MAX_BITS}
    )
    policies = [_policy_at(result, costs, widths, share) for costs in (first, second)]
    titles = (first.target.title, second.target.title)
    rows = []
    for kind in dict.fromkeys(layer.kind for layer in result.model.layers[1:-1]):
        for operand in _operands(policies[0]):
            one, other = (_mean(result.model, policy, kind, operand) for policy in policies)
            rows.append(_compared(kind, operand, (one, other), titles))
    return tuple(rows)


def _of_operand(
    operand: Operand,
    result: QuantizeResult,
    policy: Policy,
    losses: FloatArray,
    shares: FloatArray,
) -> list[Reason]:
    model = result.model
    free = [
        at
        for at, one in enumerate(result.sensitivity)
        if (one.weight_losses if operand == "weights" else one.activation_losses)
    ]
    bits = {at: _bits(policy, model.layers[at].name, operand) for at in free}
    mean = fmean(bits.values()) if bits else 0.0
    lost = {at: _column(losses[at], operand)[bits[at] - 1] - losses[at, -1, -1] for at in free}
    # Compared at one width: what the chosen ones lose is what the solver made alike.
    middle = max(0, round(mean) - 1)
    at_mean = {at: float(_column(losses[at], operand)[middle]) for at in free}
    cost = {at: float(shares[at, _FULL, _FULL]) for at in free}
    reasons = []
    for at in free:
        saved = cost[at] - float(_column(shares[at], operand)[bits[at] - 1])
        why = _why(
            bits[at] - mean,
            cost=cost[at] / (float(np.median(list(cost.values()))) or 1.0),
            loss=at_mean[at] / (float(np.median(list(at_mean.values()))) or 1.0),
        )
        layer = model.layers[at]
        reasons.append(
            Reason(
                layer=layer.name,
                kind=layer.kind,
                operand=operand,
                bits=bits[at],
                mean_bits=mean,
                cost_share=cost[at],
                saved=saved,
                loss=max(float(lost[at]), 0.0),
                why=why,
                text=(
                    f"{layer.name}: {bits[at]} bits for its {operand} (mean {mean:.1f}). The "
                    f"layer is {cost[at]:.1%} of the cost at 8 bits; these bits save {saved:.1%} "
                    f"of the network's cost and add {max(float(lost[at]), 0.0):.3g} to its loss"
                    f"{f': {why}' if why else ''}."
                ),
            )
        )
    return reasons


def _why(above_mean: float, *, cost: float, loss: float) -> str:
    """Return which of the numbers stand out, each over its median; "" where none does."""
    causes = []
    if above_mean < 0:
        causes += ["it costs much"] if cost > _LARGE else []
        causes += ["it loses little at the mean"] if loss < _SMALL else []
    else:
        causes += ["it costs little"] if cost < _SMALL else []
        causes += ["it would lose much at the mean"] if loss > _LARGE else []
    return " and ".join(causes)


def _policy_at(
    result: QuantizeResult, costs: CostModel, widths: Sequence[int], share: float
) -> Policy:
    metric = result.budgets[0].metric
    has_inputs = any(one.activation_losses for one in result.sensitivity)
    problem = policy_problem(
        result.model,
        costs,
        (metric,),
        widths,
        widths if has_inputs else (FLOAT_BITS,),
        losses=additive_losses(result.sensitivity),
    )
    table = costs.cost_table(result.model.layers, metric)
    full = float(table[:, _FULL, _FULL].sum()) + costs.fixed_cost(result.model, metric)
    return solve(problem, [Budget(metric=metric, limit=share * full)])


def _compared(
    kind: LayerKind, operand: Operand, means: tuple[float, float], titles: tuple[str, str]
) -> KindBits:
    first, second = means
    difference = "fewer bits on" if first < second else "more bits on"
    than = "than on"
    if abs(first - second) < _ALIKE:
        difference, than = "as many bits on", "as on"
    return KindBits(
        kind=kind,
        operand=operand,
        first=first,
        second=second,
        text=f"The {operand} of {_NAMES[kind]} get {difference} {titles[0]} {than} {titles[1]}: "
        f"{first:.1f} and {second:.1f} on average.",
    )


def _mean(model: ModelSpec, policy: Policy, kind: LayerKind, operand: Operand) -> float:
    return fmean(
        _bits(policy, layer.name, operand) for layer in model.layers[1:-1] if layer.kind == kind
    )


def _operands(policy: Policy) -> tuple[Operand, ...]:
    return ("weights",) if policy.is_weights_only else ("weights", "activations")


def _bits(policy: Policy, name: str, operand: Operand) -> int:
    bits = policy[name]
    return bits.weight_bits if operand == "weights" else bits.activation_bits


def _column(table: FloatArray, operand: Operand) -> FloatArray:
    """Return a layer's table along one operand, the other at 8 bits; shape (8,)."""
    column: FloatArray = table[:, _FULL] if operand == "weights" else table[_FULL]
    return column
