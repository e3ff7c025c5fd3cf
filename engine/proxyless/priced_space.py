"""What a space's networks cost on a target, and which of them meet a run's budgets."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.catalog.baselines import uniform_policy
from engine.cost.model import CostModel, FloatArray
from engine.cost.space_costs import SpaceCosts, pricing_bits, space_costs
from engine.schema.architecture import Architecture, SearchSpace
from engine.schema.cost import PEAK_METRICS, Budget, Cost, Metric
from engine.schema.errors import BudgetUnreachable, InvalidConfig
from engine.schema.layers import ModelSpec
from engine.schema.lowering import model_spec
from engine.schema.policy import LayerBits
from engine.schema.search_config import SearchConfig
from engine.solver.enforce import lowered
from engine.solver.problem import Choice, Knapsack, is_within
from engine.solver.space_problem import space_problem

Choices = tuple[int, ...]  # as those of an `Architecture`

_LEAST_LIKELY = 1e-9  # keeps the logarithm of a probability finite


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PricedSpace:
    """A space with the costs of its operations, one table for each budget."""

    space: SearchSpace
    cost_model: CostModel
    bits: LayerBits | None  # widths that operations are priced at; None: float
    budgets: tuple[Budget, ...]
    tables: tuple[SpaceCosts, ...]  # by budget

    def cost(self, choices: Sequence[int]) -> Cost:
        """Return every metric of an architecture."""
        return self.network_cost(model_spec(Architecture(space=self.space, choices=tuple(choices))))

    def network_cost(self, spec: ModelSpec) -> Cost:
        """Return every metric of a network, of the space or not, at the same widths."""
        policy = None
        if self.bits is not None:
            policy = uniform_policy(
                spec, self.bits.weight_bits, self.bits.activation_bits, pinned=False
            )
        return self.cost_model.network_cost(spec, policy)

    def values(self, choices: Sequence[int]) -> dict[Metric, float]:
        """Return every metric of an architecture as a plain number."""
        return plain_values(self.cost(choices))

    def uses(self, choices: Sequence[int]) -> tuple[float, ...]:
        """Return the share of each budget that an architecture takes."""
        return tuple(
            table.cost(choices) / budget.limit
            for table, budget in zip(self.tables, self.budgets, strict=True)
        )

    def meets(self, choices: Sequence[int]) -> bool:
        """Tell whether an architecture meets every budget."""
        return all(
            is_within(table.cost(choices), budget.limit)
            for table, budget in zip(self.tables, self.budgets, strict=True)
        )

    @property
    def options(self) -> tuple[int, ...]:
        """How many operations each decision has."""
        return tuple(len(block.ops) for block in self.space.decisions)

    def knapsack(self, losses: Sequence[FloatArray]) -> Knapsack:
        """Return the choice among operations with these losses, by decision."""
        return space_problem(self.tables, losses)

    def choices(self, choice: Choice) -> Choices:
        """Return the choices that an index for each decision stands for."""
        return tuple(
            min(int(index), count - 1) for index, count in zip(choice, self.options, strict=True)
        )


def price_space(config: SearchConfig, space: SearchSpace, cost_model: CostModel) -> PricedSpace:
    """Return the priced space; what no network of it can meet is refused.

    Raises:
        InvalidConfig: the target cannot price an operation, or does not know a metric.
        BudgetUnreachable: no network meets the budgets.
    """
    bits = pricing_bits(config, cost_model.target)
    priced = PricedSpace(
        space=space,
        cost_model=cost_model,
        bits=bits,
        budgets=config.budgets,
        tables=tuple(_table(space, cost_model, budget, bits) for budget in config.budgets),
    )
    for table, budget in zip(priced.tables, priced.budgets, strict=True):
        if not is_within(table.lowest, budget.limit):
            raise BudgetUnreachable(metric=budget.metric, limit=budget.limit, lowest=table.lowest)
    # Each budget alone can be met; this finds out about all of them together.
    any_network = space_problem(priced.tables)
    dearest = any_network.costs[priced.budgets[0].metric].argmin(axis=1)
    lowered(any_network, dearest, priced.budgets)
    return priced


def log_losses(probabilities: Sequence[Sequence[float]]) -> list[FloatArray]:
    """Return -log p of every operation, by decision."""
    return [-np.log(np.maximum(np.asarray(row), _LEAST_LIKELY)) for row in probabilities]


def plain_values(cost: Cost) -> dict[Metric, float]:
    """Return a cost's numbers without where they come from."""
    return {metric: value.value for metric, value in cost.values.items()}


def _table(
    space: SearchSpace, cost_model: CostModel, budget: Budget, bits: LayerBits | None
) -> SpaceCosts:
    target = cost_model.target
    if budget.metric not in target.metrics or budget.metric in PEAK_METRICS:
        known = [metric for metric in target.metrics if metric not in PEAK_METRICS]
        raise InvalidConfig(
            "budgets",
            f"a search on {target.id} cannot hold {budget.metric}; "
            f"choose one of {', '.join(known)}",
        )
    return space_costs(space, cost_model, budget.metric, bits)
