"""The feasibility band: what budgets can be, with fixed widths and the limit on one axis."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

from engine.schema.errors import readable_limit
from engine.solver.reach import Reach
from webapp.charts.chart import Table
from webapp.charts.quantities import NARROW_SPACE, QUANTITIES, Unit, percent

# Percent of the axis: labels nearer than this take two rows on a phone, or share one label.
_TIGHT = 13.0
_TOUCHING = 5.0
_APART = 1.001


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """One labelled place on the axis."""

    x: float  # percent of the axis, 0-100
    label: str
    value: str
    anchor: str  # SVG's text-anchor: keeps labels at the ends inside
    is_low: bool = False  # on the second row, clear of its neighbour


@dataclass(frozen=True, slots=True, kw_only=True)
class ReachBand:
    """All that is drawn and said; numbers are in the form's unit where they are not text."""

    title: str
    unit: str
    lowest: float  # ends of the axis
    highest: float
    within_x: float  # percent: where what can be reached begins
    within_width: float
    ticks: tuple[Tick, ...]
    limit: float | None
    limit_x: float | None
    limit_anchor: str
    limit_text: str
    sentence: str
    problem: str  # "" where the limit can be met
    offer: str  # the nearest limit that can, as the form takes it
    offer_text: str
    float_text: str  # "" where the target cannot tell
    table: Table

    @property
    def height(self) -> int:
        """Pixels the drawing takes: a second row of labels only where one is needed."""
        return 110 if any(tick.is_low for tick in self.ticks) else 84

    @property
    def is_met(self) -> bool:
        """Whether a policy meets the limit and something is left to search."""
        return not self.problem


def reach_band(reach: Reach, limit: float | None, *, who: str, where: str) -> ReachBand:
    """Lay out what a model (`who`) can reach on a target (`where`); the limit is in form units."""
    unit = QUANTITIES[reach.metric].form_unit
    values = [reach.lowest, reach.highest, *reach.baselines.values()]
    low, high = min(values), max(values)
    shown = None if limit is None else limit * unit.size
    problem, offer = _problem(reach, unit, shown)
    return ReachBand(
        title=QUANTITIES[reach.metric].title,
        unit=unit.symbol,
        lowest=low / unit.size,
        highest=high / unit.size,
        within_x=_percent_of_axis(reach.lowest, low, high),
        within_width=_percent_of_axis(reach.highest, low, high)
        - _percent_of_axis(reach.lowest, low, high),
        ticks=_ticks(reach, unit, low, high),
        limit=limit,
        limit_x=None if shown is None else _percent_of_axis(shown, low, high),
        limit_anchor=_anchor(0.0 if shown is None else _percent_of_axis(shown, low, high)),
        limit_text="" if shown is None else f"budget {_write(shown, unit)}",
        sentence=_sentence(reach, unit, shown, who=who, where=where),
        problem=problem,
        offer=offer,
        offer_text=f"{offer}{NARROW_SPACE}{unit.symbol}".rstrip(NARROW_SPACE),
        float_text="" if reach.float_value is None else _write(reach.float_value, unit),
        table=_table(reach, unit, shown),
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


def _problem(reach: Reach, unit: Unit, limit: float | None) -> tuple[str, str]:
    if limit is None:
        return "", ""
    slack = 1e-9 * reach.highest
    if limit < reach.lowest - slack:
        nearest = readable_limit(reach.lowest / unit.size, upwards=True)
        words = "below the lowest this model reaches here"
    elif limit > reach.highest + slack:
        nearest = readable_limit(reach.highest / unit.size)
        words = "above the highest this model reaches here, so nothing would be left to search"
    else:
        return "", ""
    return (
        f"{_write(limit, unit)} is {words}. The nearest that works is {nearest} {unit.symbol}.",
        (nearest),
    )


def _sentence(reach: Reach, unit: Unit, limit: float | None, *, who: str, where: str) -> str:
    span = f"{unit.digits(reach.lowest)} to {_write(reach.highest, unit)}"
    sentence = f"{who} reaches {span} on {where}."
    if limit is not None and not _problem(reach, unit, limit)[0]:
        sentence += (
            f" The budget is {percent(limit / reach.baselines[8], places=0)} of fixed 8-bit."
        )
    return sentence


def _ticks(reach: Reach, unit: Unit, low: float, high: float) -> tuple[Tick, ...]:
    ticks: list[Tick] = []
    for together in _clusters(_named(reach, high), low, high):
        values = [value for _, value in together]
        x = _percent_of_axis(values[0], low, high)
        first, last = unit.write(values[0]), unit.write(values[-1])
        crowded = bool(ticks) and x - ticks[-1].x < _TIGHT and not ticks[-1].is_low
        ticks.append(
            Tick(
                x=x,
                label=_cluster_label([name for name, _ in together]),
                value=first if first == last else f"{unit.digits(values[0])}–{last}",
                anchor=_anchor(x),
                is_low=crowded,
            )
        )
    return tuple(ticks)


def _named(reach: Reach, high: float) -> list[tuple[str, float]]:
    """Return the places with a name, by cost; an end that is a fixed width goes by its bits."""
    named = [(str(bits), value) for bits, value in sorted(reach.baselines.items())]
    for name, value in (("lowest", reach.lowest), ("highest", reach.highest)):
        if all(abs(fixed - value) > 1e-9 * high for _, fixed in named):
            named.append((name, value))
    return sorted(named, key=lambda pair: pair[1])


def _clusters(
    named: Sequence[tuple[str, float]], low: float, high: float
) -> Iterator[list[tuple[str, float]]]:
    """Yield places that stand too near to each other for a label each."""
    cluster: list[tuple[str, float]] = []
    for name, value in named:
        start = cluster[0][1] if cluster else value
        apart = _percent_of_axis(value, low, high) - _percent_of_axis(start, low, high)
        if cluster and apart > _TOUCHING:
            yield cluster
            cluster = []
        cluster.append((name, value))
    if cluster:
        yield cluster


def _cluster_label(names: Sequence[str]) -> str:
    bits = sorted(name for name in names if name.isdigit())
    return f"{', '.join(bits)}-bit" if bits else names[0]


def _table(reach: Reach, unit: Unit, limit: float | None) -> Table:
    rows = [("Lowest of all policies", reach.lowest)]
    rows += [
        (f"Fixed {bits}-bit, first and last layer at 8", value)
        for bits, value in sorted(reach.baselines.items())
    ]
    rows.append(("Highest of all policies", reach.highest))
    if reach.float_value is not None:
        rows.append(("Float", reach.float_value))
    if limit is not None:
        rows.append(("The budget", limit))
    eight = reach.baselines[8]
    return Table(
        columns=("Policy", QUANTITIES[reach.metric].title, "Of fixed 8-bit"),
        rows=tuple(
            (name, _write(value, unit), percent(value / eight))
            for name, value in sorted(rows, key=lambda row: row[1])
        ),
    )


def _percent_of_axis(value: float, low: float, high: float) -> float:
    if high <= low:
        return 50.0
    return round(100 * min(1.0, max(0.0, (value - low) / (high - low))), 3)


def _anchor(x: float) -> str:
    return "start" if x < 8 else "end" if x > 92 else "middle"


def _write(value: float, unit: Unit) -> str:
    return unit.write(value)
