"""Profiles side by side: what was measured where, and how far sums of rows can be trusted."""

from collections.abc import Callable, Sequence
from statistics import median

from engine.schema.cost_table import BlockRow, CostTable, LayerRow
from webapp.charts.quantities import QUANTITIES, percent
from webapp.compare.cells import Cell, Row
from webapp.compare.selection import Run

_MS = QUANTITIES["latency_ms"].units[0]


def profile_rows(runs: Sequence[Run]) -> tuple[Row, ...]:
    """Return what the compared profiles measured; nothing where none of the runs is one."""
    tables = [run.profile.table if run.profile else None for run in runs]
    known = [table for table in tables if table is not None]
    if not known:
        return ()
    rows = [
        _row("Measured on", tables, _machine),
        _row("Runtime", tables, lambda table: table.runtime),
        _row("Shapes", tables, lambda table: str(table.rows), "counted"),
    ]
    for precision in dict.fromkeys(one for table in known for one in table.precisions):
        rows += [
            _row(f"Median of the shapes, {precision}", tables, _median(precision), "measured"),
            _row(f"Mean error of sums, {precision}", tables, _mean_error(precision), "measured"),
            _row(f"Kendall’s tau of sums, {precision}", tables, _tau(precision), "measured"),
        ]
    return tuple(rows)


def _row(
    title: str,
    tables: Sequence[CostTable | None],
    say: Callable[[CostTable], str],
    provenance: str = "",
) -> Row:
    said = [say(table) if table else "" for table in tables]
    return Row(
        title=title,
        cells=tuple(Cell(text=text or "–", provenance=provenance if text else "") for text in said),
    )


def _machine(table: CostTable) -> str:
    return table.machine.title if table.machine else ""


def _median(precision: str) -> Callable[[CostTable], str]:
    def say(table: CostTable) -> str:
        if precision not in table.precisions:
            return ""
        rows: list[BlockRow | LayerRow] = [*table.blocks, *table.layers]
        return _MS.write(median(row.times[precision].median_ms for row in rows))

    return say


def _mean_error(precision: str) -> Callable[[CostTable], str]:
    def say(table: CostTable) -> str:
        checks = dict(table.end_to_end or {})
        return percent(checks[precision].mean_error) if precision in checks else ""

    return say


def _tau(precision: str) -> Callable[[CostTable], str]:
    def say(table: CostTable) -> str:
        checks = dict(table.end_to_end or {})
        return f"{checks[precision].kendall_tau:.2f}" if precision in checks else ""

    return say
