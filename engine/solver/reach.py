"""What a budget can be, before anything is searched."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.catalog.baselines import BASELINE_BITS, uniform_policy
from engine.cost.model import CostModel
from engine.schema.cost import PEAK_METRICS, WEIGHT_METRICS, Budget, Metric
from engine.schema.errors import BudgetUnreachable, InvalidConfig, readable_limit
from engine.schema.layers import ModelSpec
from engine.schema.policy import FLOAT_BITS
from engine.schema.quantize_config import QuantizeConfig
from engine.schema.target import Target
from engine.solver.contradiction import check_together
from engine.solver.problem import is_within, policy_problem
from engine.solver.widths import check_widths


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
    is_weights_only = tuple(activation_bits) == (FLOAT_BITS,)
    problem = policy_problem(spec, cost_model, (metric,), weight_bits, activation_bits)
    costs = problem.costs[metric]
    float_value = cost_model.network_cost(spec, None).values.get(metric)
    return Reach(
        metric=metric,
        lowest=problem.cost(costs.argmin(axis=1), metric),
        highest=problem.cost(costs.argmax(axis=1), metric),
        float_value=float_value.value if float_value else None,
        baselines={
            bits: cost_model.network_cost(
                spec, uniform_policy(spec, bits, FLOAT_BITS if is_weights_only else bits)
            )[metric]
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
    """Refuse a budget that no policy meets, or that every policy meets; or two that contradict.

    Raises:
        BudgetUnreachable: a budget is below what the narrowest widths cost.
        InvalidConfig: the target does not know a metric, bits do not change it, it is that of a
            single layer, or the budget is above what the widest widths cost, so that nothing is
            left to search; or no policy meets two of the budgets at once.
    """
    is_weights_only = tuple(activation_bits) == (FLOAT_BITS,)
    for budget in budgets:
        _check_metric(cost_model, budget.metric, is_weights_only=is_weights_only)
        span = reach(spec, cost_model, budget.metric, weight_bits, activation_bits)
        if not _is_moved(span) and max(len(weight_bits), len(activation_bits)) > 1:
            moved = [
                metric
                for metric in _askable(cost_model.target)
                if _is_moved(reach(spec, cost_model, metric, weight_bits, activation_bits))
            ]
            raise InvalidConfig(
                "budgets",
                f"bits do not change {budget.metric} on {cost_model.target.id}; "
                f"choose one of {', '.join(moved)}",
            )
        if not is_within(span.lowest, budget.limit):
            raise BudgetUnreachable(metric=budget.metric, limit=budget.limit, lowest=span.lowest)
        if not is_within(budget.limit, span.highest):
            raise InvalidConfig(
                "budgets",
                f"{budget.metric} of {budget.limit:g} is above the highest this model reaches on "
                f"this target, {readable_limit(span.highest)}; ask for at most that",
            )
    if len(budgets) > 1:
        metrics = tuple(budget.metric for budget in budgets)
        problem = policy_problem(spec, cost_model, metrics, weight_bits, activation_bits)
        check_together(problem, budgets)


def check_question(config: QuantizeConfig, spec: ModelSpec, cost_model: CostModel) -> None:
    """Check a config's widths and budgets, and that what it wants small can be made smaller.

    Raises:
        BudgetUnreachable, InvalidConfig: as `check_budgets`.
    """
    widths = (config.weight_bits, config.policy_activation_bits)
    check_widths(cost_model.target, *widths)
    budgets = config.budgets
    if config.objective is not None:
        highest = reach(spec, cost_model, config.objective, *widths).highest
        budgets = (Budget(metric=config.objective, limit=highest), *budgets)
    check_budgets(spec, cost_model, budgets, *widths)


def _is_moved(span: Reach) -> bool:
    return span.lowest < span.highest


def _check_metric(cost_model: CostModel, metric: Metric, *, is_weights_only: bool) -> None:
    """Refuse a metric that no target's bits change, or that this target lacks."""
    if is_weights_only and metric not in WEIGHT_METRICS:
        raise InvalidConfig(
            "budgets",
            f"{metric} is not known where activations stay float; k-means makes the weights "
            "smaller, so choose model_bytes",
        )
    target = cost_model.target
    choices = ", ".join(_askable(target))
    if metric not in target.metrics:
        raise InvalidConfig(
            "budgets", f"{target.id} does not know {metric}; choose one of {choices}"
        )
    if metric in PEAK_METRICS:
        raise InvalidConfig(
            "budgets",
            f"{metric} is that of one layer and cannot be shared out among them; "
            f"choose one of {choices}",
        )
    if metric == "macs":
        raise InvalidConfig("budgets", f"bits do not change macs; choose one of {choices}")


def _askable(target: Target) -> list[Metric]:
    """Return the metrics that one may ask a budget on."""
    return [metric for metric in target.metrics if metric != "macs" and metric not in PEAK_METRICS]
