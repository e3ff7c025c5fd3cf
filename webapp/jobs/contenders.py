"""The table of contenders: float, fixed widths and what each strategy found, side by side."""

from dataclasses import dataclass

from engine.schema.cost import Metric, Provenance
from engine.schema.results import Accuracy, Contender, QuantizeResult
from webapp.charts.quantities import QUANTITIES, Unit, duration, percent

_SHOWN: tuple[Metric, ...] = ("latency_ms", "energy_mj", "model_bytes", "bit_ops")


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One cost metric of the table."""

    metric: Metric
    title: str
    unit: str
    provenance: Provenance
    validation: str
    is_budget: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One contender as the table shows it."""

    id: str
    label: str
    note: str
    is_found: bool
    is_baseline: bool
    starts_group: bool
    before: Accuracy | None  # fine-tuning
    after: Accuracy | None
    costs: tuple[str, ...]  # one for each column
    ratio: str  # of the budget's metric to fixed 8-bit
    evaluations: str
    equal_loss: str  # best after as many policies as the shortest search scored
    seconds: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContenderTable:
    """The whole table."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    split: str  # the images the accuracies are of
    ratio_title: str

    @property
    def has_equal_loss(self) -> bool:
        """Whether strategies can be held against each other at equal effort."""
        return any(row.equal_loss != "–" for row in self.rows)


def contender_table(result: QuantizeResult) -> ContenderTable:
    """Return a result's contenders with one unit a column."""
    units = {metric: _unit(result, metric) for metric in _SHOWN}
    columns = tuple(
        column for metric in _SHOWN if (column := _column(result, metric, units[metric]))
    )
    ordered = sorted(result.contenders, key=lambda row: row.role != "baseline")
    rows = []
    for at, contender in enumerate(ordered):
        before = ordered[at - 1] if at else None
        starts_group = before is not None and (before.role == "baseline") != (
            contender.role == "baseline"
        )
        rows.append(_row(result, contender, columns, units, starts_group=starts_group))
    metric = result.budgets[0].metric
    return ContenderTable(
        columns=columns,
        rows=tuple(rows),
        split=_split(result),
        ratio_title=f"{QUANTITIES[metric].title}, of fixed 8-bit",
    )


def _row(
    result: QuantizeResult,
    contender: Contender,
    columns: tuple[Column, ...],
    units: dict[Metric, Unit],
    *,
    starts_group: bool,
) -> Row:
    before, after = _accuracies(contender)
    return Row(
        id=contender.id,
        label=contender.label,
        note=contender.note,
        is_found=contender.id == result.found,
        is_baseline=contender.role == "baseline",
        starts_group=starts_group,
        before=before,
        after=after,
        costs=tuple(
            units[column.metric].digits(contender.cost[column.metric])
            if column.metric in contender.cost
            else "–"
            for column in columns
        ),
        ratio=_ratio(result, contender),
        evaluations=f"{contender.evaluations:,}" if contender.evaluations else "–",
        equal_loss="–" if contender.equal_cost_loss is None else f"{contender.equal_cost_loss:.3f}",
        seconds=duration(contender.search_seconds) if contender.search_seconds else "–",
    )


def _accuracies(contender: Contender) -> tuple[Accuracy | None, Accuracy | None]:
    """Return accuracies before and after fine-tuning, of the report images where measured.

    What was delivered without fine-tuning stands in the first column alone.
    """
    was_tuned = contender.tuned_search_accuracy is not None
    if contender.untuned_report_accuracy is not None or was_tuned:
        return contender.untuned_report_accuracy, contender.report_accuracy
    return contender.report_accuracy or contender.search_accuracy, None


def _split(result: QuantizeResult) -> str:
    splits = {
        accuracy.split
        for contender in result.contenders
        for accuracy in _accuracies(contender)
        if accuracy is not None
    }
    return " and ".join(sorted(splits))


def _ratio(result: QuantizeResult, contender: Contender) -> str:
    metric = result.budgets[0].metric
    eight = next((row for row in result.contenders if row.id == "uniform-8"), None)
    if eight is None or metric not in eight.cost or metric not in contender.cost:
        return "–"
    return percent(contender.cost[metric] / eight.cost[metric], places=0)


def _unit(result: QuantizeResult, metric: Metric) -> Unit:
    values = [
        row.cost[metric]
        for row in result.contenders
        if metric in row.cost and row.policy is not None
    ]
    return QUANTITIES[metric].unit_for(values)


def _column(result: QuantizeResult, metric: Metric, unit: Unit) -> Column | None:
    value = result.contender(result.found).cost.values.get(metric)
    if value is None:
        return None
    return Column(
        metric=metric,
        title=QUANTITIES[metric].title,
        unit=unit.symbol,
        provenance=value.provenance,
        validation=value.validation,
        is_budget=metric in [budget.metric for budget in result.budgets],
    )
