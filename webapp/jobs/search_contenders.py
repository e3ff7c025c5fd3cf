"""The table of trained networks: the found one, MobileNetV2, and random ones as a band."""

from collections.abc import Sequence
from dataclasses import dataclass

from engine.schema.cost import Metric, Provenance
from engine.schema.results import Accuracy, SearchResult, TrainedNetwork
from webapp.charts.quantities import QUANTITIES, Unit, duration, percent
from webapp.jobs.random_band import random_band

_SHOWN: tuple[Metric, ...] = ("latency_ms", "energy_mj", "macs", "model_bytes")


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkColumn:
    """One cost metric of the table."""

    metric: Metric
    title: str
    unit: Unit
    provenance: Provenance
    validation: str
    is_budget: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkRow:
    """One network as the table shows it; a band has its range in words."""

    label: str
    note: str = ""
    is_found: bool = False
    starts_group: bool = False
    supernet: Accuracy | None = None
    search: Accuracy | None = None
    report: Accuracy | None = None
    report_words: str = ""  # in place of an accuracy
    costs: tuple[str, ...]
    parameters: str = "–"
    seconds: str = "–"


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkTable:
    """The whole table."""

    columns: tuple[NetworkColumn, ...]
    rows: tuple[NetworkRow, ...]
    epochs: int  # that every network was trained for


def network_table(result: SearchResult) -> NetworkTable:
    """Return a result's networks with one unit a column."""
    columns = tuple(column for metric in _SHOWN if (column := _column(result, metric)) is not None)
    named = [row for row in result.contenders if row.origin != "random"]
    drawn = [row for row in result.contenders if row.origin == "random"]
    rows = [_row(row, columns, is_found=row.id == result.found) for row in named]
    if drawn:
        rows.append(_band_row(result, drawn, columns))
        rows += [_row(row, columns) for row in drawn]
    return NetworkTable(
        columns=columns,
        rows=tuple(rows),
        epochs=max(row.epochs for row in result.contenders),
    )


def _row(
    network: TrainedNetwork, columns: Sequence[NetworkColumn], *, is_found: bool = False
) -> NetworkRow:
    return NetworkRow(
        label=network.label,
        note=network.note,
        is_found=is_found,
        supernet=network.supernet_accuracy,
        search=network.search_accuracy,
        report=network.report_accuracy,
        costs=tuple(_digits(network, column) for column in columns),
        parameters=f"{network.parameters:,}",
        seconds=duration(network.training_seconds) if network.training_seconds else "–",
    )


def _band_row(
    result: SearchResult, drawn: Sequence[TrainedNetwork], columns: Sequence[NetworkColumn]
) -> NetworkRow:
    band = random_band(result)
    words = "–" if band is None else f"{band.range_words}, mean {percent(band.mean)}"
    return NetworkRow(
        label=f"Random networks of the space ({len(drawn)})",
        note="Drawn within the budget and trained alike: what one gets without a search.",
        starts_group=True,
        report_words=words,
        costs=tuple(_span(drawn, column) for column in columns),
    )


def _digits(network: TrainedNetwork, column: NetworkColumn) -> str:
    if column.metric not in network.cost:
        return "–"
    return column.unit.digits(network.cost[column.metric])


def _span(drawn: Sequence[TrainedNetwork], column: NetworkColumn) -> str:
    values = [row.cost[column.metric] for row in drawn if column.metric in row.cost]
    if not values:
        return "–"
    low, high = column.unit.digits(min(values)), column.unit.digits(max(values))
    return low if low == high else f"{low}–{high}"


def _column(result: SearchResult, metric: Metric) -> NetworkColumn | None:
    value = result.contender(result.found).cost.values.get(metric)
    if value is None:
        return None
    costs = [row.cost[metric] for row in result.contenders if metric in row.cost]
    return NetworkColumn(
        metric=metric,
        title=QUANTITIES[metric].title,
        unit=QUANTITIES[metric].unit_for(costs),
        provenance=value.provenance,
        validation=value.validation,
        is_budget=metric in [budget.metric for budget in result.budgets],
    )
