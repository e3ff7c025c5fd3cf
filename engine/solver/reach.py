"""What a budget can be, before anything is searched."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.catalog.baselines import BASELINE_BITS, uniform_policy
from engine.cost.model import CostModel
from engine.schema.cost import COUNTED_METRICS, PEAK_METRICS, Budget, Metric
from engine.schema.errors import BudgetUnreachable, InvalidConfig, readable_limit
from engine.schema.layers import ModelSpec
from engine.schema.target import Target
from engine.solver.problem import is_within, policy_problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """The span of a metric over all policies, in the metric's unit; first and last layer at 8."""

    metric: Metric
    lowest: float
    highest: float
    float_value: float | None  # of the float network, where the target can tell
    baselines: Mapping[int, float]  # by bits: the same bits everywhere but at the ends

    def nearest(self, limit: float) -> float:
        """Return the budget nearest to a limit that leaves something to search."""
        return min(max(limit, self.lowest), self.highest)


def reach(
    spec: ModelSpec,
    cost_model: CostModel,
    metric: Metric,
    weight_bits: Sequence[int],
    activation_bits: Sequence[int],
) -> Reach:
    """Return what policies of these widths can cost.

    Raises:
        InvalidConfig: the target does not know the metric.
    """
    problem = policy_problem(spec, cost_model, (metric,), weight_bits, activation_bits)
    costs = problem.costs[metric]
    float_value = cost_model.network_cost(spec, None).values.get(metric)
    return Reach(
        metric=metric,
        lowest=problem.cost(costs.argmin(axis=1), metric),
        highest=problem.cost(costs.argmax(axis=1), metric),
        float_value=float_value.value if float_value else None,
        baselines={
            bits: cost_model.network_cost(spec, uniform_policy(spec, bits, bits))[metric]
            for bits in BASELINE_BITS
        },
    )


def check_budgets(
    spec: ModelSpec,
    cost_model: CostModel,
    budgets: Sequence[Budget],
    weight_bits: Sequence[int],
    activation_bits: Sequence[int],
) -> None:
    """Refuse a budget that no policy meets, or that every policy meets.

    Raises:
        BudgetUnreachable: a budget is below what the narrowest widths cost.
        InvalidConfig: the target does not know a metric, bits do not change it, it is that of a
            single layer, or the budget is above what the widest widths cost, so that nothing is
            left to search.
    """
    for budget in budgets:
        _check_metric(cost_model, budget.metric)
        span = reach(spec, cost_model, budget.metric, weight_bits, activation_bits)
        if span.lowest == span.highest and max(len(weight_bits), len(activation_bits)) > 1:
            raise _unchanged(cost_model, budget.metric)
        if not is_within(span.lowest, budget.limit):
            raise BudgetUnreachable(metric=budget.metric, limit=budget.limit, lowest=span.lowest)
        if not is_within(budget.limit, span.highest):
            raise InvalidConfig(
                "budgets",
                f"{budget.metric} of {budget.limit:g} is above the highest this model reaches on "
                f"this target, {readable_limit(span.highest)}; ask for at most that",
            )


def _check_metric(cost_model: CostModel, metric: Metric) -> None:
    target = cost_model.target
    if metric not in target.metrics:
        raise InvalidConfig(
            "budgets", f"{target.id} does not know {metric}; choose one of {_choices(target)}"
        )
    if metric in PEAK_METRICS:
        raise InvalidConfig(
            "budgets",
            f"{metric} is that of one layer and cannot be shared out among them; "
            f"choose one of {_choices(target)}",
        )
    if metric == "macs":
        raise _unchanged(cost_model, metric)


def _unchanged(cost_model: CostModel, metric: Metric) -> InvalidConfig:
    where = "" if metric in COUNTED_METRICS else f" on {cost_model.target.id}"
    return InvalidConfig(
        "budgets",
        f"bits do not change {metric}{where}; choose one of "
        f"{_choices(cost_model.target, without=metric)}",
    )


def _choices(target: Target, *, without: Metric | None = None) -> str:
    """Name the metrics that one may ask a budget on."""
    never = {"macs", without, *PEAK_METRICS}
    return ", ".join(metric for metric in target.metrics if metric not in never)
