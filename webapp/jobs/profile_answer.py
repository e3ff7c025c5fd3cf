"""The answer that a profile opens with: how far the sums of its rows can be trusted."""

from collections.abc import Sequence
from statistics import median, quantiles

from engine.catalog.spaces import SPACES
from engine.schema.cost_table import BlockRow, CostTable, EndToEnd, KernelPrecision, LayerRow
from engine.schema.results import ProfileResult
from webapp.charts.chart import listed
from webapp.charts.quantities import QUANTITIES, duration, percent
from webapp.jobs.answer import Answer, Stat, model_title

_MS = QUANTITIES["latency_ms"].units[0]


def profile_answer(result: ProfileResult) -> Answer:
    """Return what a result has to say first."""
    table = result.table
    return Answer(
        lead=f"Measured on {machine_title(table)}:",
        **_sentence(table),
        stats=_stats(result),
    )


def machine_title(table: CostTable) -> str:
    """Return what was measured, in a few words."""
    return table.machine.title if table.machine else "an unnamed machine"


def subject_title(table: CostTable) -> str:
    """Return the space or network that was measured, for people."""
    space = SPACES.get(table.subject)
    return space.title if space else model_title(table.subject)


def _sentence(table: CostTable) -> dict[str, str]:
    """Return the middle and the end of the sentence, around the number that stands out."""
    checks = list((table.end_to_end or {}).items())
    precisions = listed(table.precisions)
    if not checks:
        return {
            "subject": f"{subject_title(table)} has",
            "value": f"{table.rows} shapes",
            "rest": f"timed in {precisions}; no whole network was held against their sums.",
        }
    (first, check), *others = checks
    rest = "".join(f", and {percent(each.mean_error)} in {one}" for one, each in others)
    return {
        "subject": f"the {table.rows} shapes of {subject_title(table)}, summed and corrected, tell "
        "the time of whole networks with a mean error of",
        "value": percent(check.mean_error),
        "rest": f"in {first}{rest}.",
    }


def _stats(result: ProfileResult) -> tuple[Stat, ...]:
    table = result.table
    first, *others = table.precisions
    return (
        Stat(
            term="Shapes",
            value=str(table.rows),
            beside=f"{len(table.blocks)} blocks, {len(table.layers)} layers",
            provenance="counted",
            validation="Each shape once, however often networks have it.",
        ),
        _spread_stat(table, "Median of the shapes", first, others, share=0.5),
        _spread_stat(table, "Nine of ten take at most", first, others, share=0.9),
        *_check_stats(table, first),
        Stat(
            term="Measuring took",
            value=duration(sum(result.stage_seconds.values())),
            provenance="measured",
            validation="Wall time on the worker.",
        ),
    )


def _spread_stat(
    table: CostTable,
    term: str,
    first: KernelPrecision,
    others: Sequence[KernelPrecision],
    *,
    share: float,
) -> Stat:
    return Stat(
        term=term,
        value=_MS.write(_of_rows(table, first, share)),
        beside="; ".join(
            [first, *(f"{one} {_MS.write(_of_rows(table, one, share))}" for one in others)]
        ),
        provenance=table.provenance,
        validation="Over all shapes, each by the median of its samples.",
    )


def _of_rows(table: CostTable, precision: KernelPrecision, share: float) -> float:
    """Return what this share of the shapes takes at most, in ms."""
    rows: list[BlockRow | LayerRow] = [*table.blocks, *table.layers]
    times = [row.times[precision].median_ms for row in rows]
    if share == 0.5 or len(times) < 2:
        return median(times)
    return quantiles(times, n=100, method="inclusive")[round(100 * share) - 1]


def _check_stats(table: CostTable, precision: KernelPrecision) -> tuple[Stat, ...]:
    check: EndToEnd | None = (table.end_to_end or {}).get(precision)
    if check is None:
        return ()
    return (
        Stat(
            term="Kendall’s tau",
            value=f"{check.kendall_tau:.2f}",
            beside=f"R² {check.r2:.3f}",
            provenance="measured",
            validation=f"Of {len(check.networks)} networks in {precision}: 1 where sums rank them "
            "as their times do. R² is of networks left out of their own fit.",
        ),
    )
