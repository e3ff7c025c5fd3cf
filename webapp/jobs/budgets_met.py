"""Every budget of a result: its limit, what was reached, and the share of it that was used."""

from dataclasses import dataclass

from engine.schema.cost import Budget, Provenance
from engine.schema.results import QuantizeResult, SearchResult
from webapp.charts.quantities import QUANTITIES, percent


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetRow:
    """One budget."""

    title: str
    limit: str
    reached: str
    used: str
    note: str  # where the limit was found, not asked for
    provenance: Provenance
    validation: str


def budget_rows(
    result: QuantizeResult | SearchResult, *, is_first_found: bool = False
) -> tuple[BudgetRow, ...]:
    """Return the budgets in the order of the run; the first may be one that the run found."""
    return tuple(
        _row(budget, result, is_found=is_first_found and number == 0)
        for number, budget in enumerate(result.budgets)
    )


def _row(budget: Budget, result: QuantizeResult | SearchResult, *, is_found: bool) -> BudgetRow:
    value = result.contender(result.found).cost.values[budget.metric]
    unit = QUANTITIES[budget.metric].unit_for([budget.limit, value.value])
    return BudgetRow(
        title=QUANTITIES[budget.metric].title,
        limit=unit.write(budget.limit),
        reached=unit.write(value.value),
        used=percent(value.value / budget.limit),
        note="the smallest that kept the accuracy" if is_found else "",
        provenance=value.provenance,
        validation=value.validation,
    )
