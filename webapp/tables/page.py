"""What the page of a table shows, before it is kept and afterwards."""

from dataclasses import dataclass

from engine.catalog.tables import table_target
from engine.schema.cost_table import BlockRow, CostTable, LayerRow
from engine.schema.policy import MAX_BITS
from engine.schema.target import Target
from webapp.charts.chart import Chart, Table
from webapp.charts.quantities import QUANTITIES
from webapp.charts.sampled_networks import sampled_networks_chart
from webapp.tables.coverage import CoveredSubject, covered_subjects
from webapp.tables.document import fingerprint

_MS = QUANTITIES["latency_ms"].units[0]
_GRID_WIDTHS = (8, 6, 4, 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class TablePage:
    """Everything there is to see of a table."""

    target: Target
    facts: tuple[tuple[str, str], ...]
    coverage: tuple[CoveredSubject, ...]
    rows: Table  # the first of them
    total: int
    checks: tuple[Chart, ...]  # whole networks beside it
    notes: tuple[str, ...]

    @property
    def is_cut(self) -> bool:
        """Whether there are more rows than are shown."""
        return len(self.rows.rows) < self.total

    @property
    def covers_something_whole(self) -> bool:
        """Whether a run of the catalogue's networks or spaces can be cut to it."""
        return any(subject.is_whole for subject in self.coverage)


def table_page(table: CostTable, *, most_rows: int) -> TablePage:
    """Return what there is to see of a table, with at most so many of its rows."""
    return TablePage(
        target=table_target(table),
        facts=_facts(table),
        coverage=covered_subjects(table),
        rows=_rows(table, most_rows),
        total=table.rows,
        checks=tuple(
            sampled_networks_chart(check, precision)
            for precision, check in (table.end_to_end or {}).items()
        ),
        notes=table.notes,
    )


def _facts(table: CostTable) -> tuple[tuple[str, str], ...]:
    kinds = {
        "block{}": table.blocks,
        "layer{}": table.layers,
        "layer{} by bits": table.grids,
    }
    protocol = table.protocol
    facts = {
        "Measured on": fingerprint(table),
        "Measured at": table.measured_at,
        "Source": table.source,
        "Made for": table.subject,
        "Batch": "1 image" if table.batch == 1 else f"{table.batch} images; a time is for all",
        "Rows": ", ".join(
            f"{len(rows):,} {kind.format('' if len(rows) == 1 else 's')}"
            for kind, rows in kinds.items()
            if rows
        ),
        "Precisions": ", ".join(table.precisions) or "1 to 8 bits of weights and activations",
        "Protocol": (
            f"{protocol.threads} thread{'' if protocol.threads == 1 else 's'}, "
            f"{protocol.warmup_runs} runs and {protocol.warmup_s:g} s of warm-up, the median of at "
            f"least {protocol.samples} runs and {protocol.sampling_s:g} s"
            if protocol
            else ""
        ),
    }
    return tuple((term, text) for term, text in facts.items() if text)


def _rows(table: CostTable, most: int) -> Table:
    if table.grids:
        columns = tuple(f"{bits}/{bits} bits" for bits in _GRID_WIDTHS)
        return Table(
            columns=("Layer", "Kind", *columns),
            rows=tuple(
                (
                    row.layer,
                    row.kind,
                    *(
                        _MS.write(row.latencies_ms[(b - 1) * MAX_BITS + b - 1])
                        for b in _GRID_WIDTHS
                    ),
                )
                for row in table.grids[:most]
            ),
        )
    shapes: tuple[BlockRow | LayerRow, ...] = (*table.blocks, *table.layers)
    precisions = table.precisions
    return Table(
        columns=("Shape", *(f"{one}, median (p10–p90)" for one in precisions)),
        rows=tuple(
            (row.label, *(_timing(row, one) for one in precisions)) for row in shapes[:most]
        ),
    )


def _timing(row: BlockRow | LayerRow, precision: str) -> str:
    timing = row.times[precision]  # type: ignore[index] # one of the precisions it has
    if timing.p10_ms is None or timing.p90_ms is None:
        return _MS.write(timing.median_ms)
    spread = f"{_MS.digits(timing.p10_ms)}–{_MS.digits(timing.p90_ms)}"
    return f"{_MS.write(timing.median_ms)} ({spread})"
