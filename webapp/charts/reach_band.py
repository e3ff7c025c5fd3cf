"""The feasibility band of bits: what budgets can be, fixed widths on the same axis."""

from collections.abc import Sequence
from math import ceil, floor, log10

from engine.schema.errors import readable_limit
from engine.solver.reach import Reach
from webapp.charts.band import Place, ReachBand, Span, lay_out, limit_problem
from webapp.charts.chart import Table
from webapp.charts.quantities import QUANTITIES, Unit, percent

__all__ = ["ReachBand", "default_limit", "reach_band"]

_APART = 1.001


def reach_band(
    reach: Reach, limit: float | None, *, who: str, where: str, keeps_ends: bool = True
) -> ReachBand:
    """Lay out what a model (`who`) can reach on a target (`where`); the limit is in form units.

    `keeps_ends`: the first and the last layer have 8 bits in every policy.
    """
    unit = QUANTITIES[reach.metric].form_unit
    shown = None if limit is None else limit * unit.size
    span = _span(reach)
    has_problem = bool(limit_problem(span, unit, shown)[0])
    return lay_out(
        span,
        unit,
        limit,
        title=QUANTITIES[reach.metric].title,
        sentence=_sentence(reach, unit, None if has_problem else shown, who=who, where=where),
        table=_table(reach, unit, shown, keeps_ends=keeps_ends),
        cluster_label=_cluster_label,
        float_text="" if reach.float_value is None else unit.write(reach.float_value),
    )


def default_limit(reach: Reach) -> str:
    """Return the limit to start from, as the form takes it: what uniform 4-bit costs.

    Where that is all or nothing of what can be reached, it is the middle.
    """
    unit = QUANTITIES[reach.metric].form_unit
    four = reach.baselines[4]
    leaves_a_choice = reach.lowest * _APART < four and four * _APART < reach.highest
    value = (four if leaves_a_choice else (reach.lowest + reach.highest) / 2) / unit.size
    # Four digits, and up, so that uniform 4-bit itself stays within.
    step = 10.0 ** (floor(log10(value)) - 3)
    rounded = ceil(value / step) * step
    if rounded * unit.size <= reach.highest:
        return f"{rounded:.10g}"
    return readable_limit(value)


def _span(reach: Reach) -> Span:
    values = [reach.lowest, reach.highest, *reach.baselines.values()]
    return Span(
        lowest=reach.lowest,
        highest=reach.highest,
        places=tuple(_named(reach, max(values))),
        who="this model",
    )


def _sentence(reach: Reach, unit: Unit, limit: float | None, *, who: str, where: str) -> str:
    span = f"{unit.digits(reach.lowest)} to {unit.write(reach.highest)}"
    sentence = f"{who} reaches {span} on {where}."
    if limit is not None:
        sentence += (
            f" The budget is {percent(limit / reach.baselines[8], places=0)} of fixed 8-bit."
        )
    return sentence


def _named(reach: Reach, high: float) -> list[Place]:
    """Return the places with a name, by cost; an end that is a fixed width goes by its bits."""
    named = [(str(bits), value) for bits, value in sorted(reach.baselines.items())]
    for name, value in (("lowest", reach.lowest), ("highest", reach.highest)):
        if all(abs(fixed - value) > 1e-9 * high for _, fixed in named):
            named.append((name, value))
    return sorted(named, key=lambda pair: pair[1])


def _cluster_label(names: Sequence[str]) -> str:
    bits = sorted(name for name in names if name.isdigit())
    return f"{', '.join(bits)}-bit" if bits else names[0]


def _table(reach: Reach, unit: Unit, limit: float | None, *, keeps_ends: bool) -> Table:
    ends = ", first and last layer at 8" if keeps_ends else ""
    rows = [("Lowest of all policies", reach.lowest)]
    rows += [(f"Fixed {bits}-bit{ends}", value) for bits, value in sorted(reach.baselines.items())]
    rows.append(("Highest of all policies", reach.highest))
    if reach.float_value is not None:
        rows.append(("Float", reach.float_value))
    if limit is not None:
        rows.append(("The budget", limit))
    eight = reach.baselines[8]
    return Table(
        columns=("Policy", QUANTITIES[reach.metric].title, "Of fixed 8-bit"),
        rows=tuple(
            (name, unit.write(value), percent(value / eight))
            for name, value in sorted(rows, key=lambda row: row[1])
        ),
    )
