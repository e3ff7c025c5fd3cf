"""A band of what can be reached, with named places and the limit on one axis."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from engine.schema.errors import readable_limit
from webapp.charts.chart import Table
from webapp.charts.quantities import NARROW_SPACE, Unit

# Percent of the axis: labels nearer than this take two rows on a phone, or share one label.
_TIGHT = 15.0
_TOUCHING = 5.0

Place = tuple[str, float]  # a name and its value in the metric's own unit


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """What can be reached, in the metric's own unit, and the places to name on its axis."""

    lowest: float
    highest: float
    places: tuple[Place, ...]  # ascending by value
    who: str  # what reaches it, in the middle of a sentence: "this model"

    @property
    def axis(self) -> tuple[float, float]:
        """Both ends of the axis: all that is drawn lies between them."""
        values = [self.lowest, self.highest, *(value for _, value in self.places)]
        return min(values), max(values)


def lay_out(
    span: Span,
    unit: Unit,
    limit: float | None,
    *,
    title: str,
    sentence: str,
    table: Table,
    cluster_label: Callable[[Sequence[str]], str],
    float_text: str = "",
) -> ReachBand:
    """Return the band with its ticks; the limit is in the form's unit, None where there is none."""
    low, high = span.axis
    shown = None if limit is None else limit * unit.size
    problem, offer = limit_problem(span, unit, shown)
    start = _percent_of_axis(span.lowest, low, high)
    at = None if shown is None else _percent_of_axis(shown, low, high)
    return ReachBand(
        title=title,
        unit=unit.symbol,
        lowest=low / unit.size,
        highest=high / unit.size,
        within_x=start,
        within_width=_percent_of_axis(span.highest, low, high) - start,
        ticks=_ticks(span, unit, cluster_label),
        limit=limit,
        limit_x=at,
        limit_anchor=_anchor(0.0 if at is None else at),
        limit_text="" if shown is None else f"budget {unit.write(shown)}",
        sentence=sentence,
        problem=problem,
        offer=offer,
        offer_text=f"{offer}{NARROW_SPACE}{unit.symbol}".rstrip(NARROW_SPACE),
        float_text=float_text,
        table=table,
    )


def limit_problem(span: Span, unit: Unit, limit: float | None) -> tuple[str, str]:
    """Return what stands against a limit and the nearest that works; both "" where none does."""
    if limit is None:
        return "", ""
    slack = 1e-9 * span.highest
    if limit < span.lowest - slack:
        nearest = readable_limit(span.lowest / unit.size, upwards=True)
        words = f"below the lowest {span.who} reaches here"
    elif limit > span.highest + slack:
        nearest = readable_limit(span.highest / unit.size)
        words = f"above the highest {span.who} reaches here, so nothing would be left to search"
    else:
        return "", ""
    return (
        f"{unit.write(limit)} is {words}. The nearest that works is {nearest} {unit.symbol}.",
        nearest,
    )


def _ticks(
    span: Span, unit: Unit, cluster_label: Callable[[Sequence[str]], str]
) -> tuple[Tick, ...]:
    low, high = span.axis
    ticks: list[Tick] = []
    for together in _clusters(span.places, low, high):
        values = [value for _, value in together]
        x = _percent_of_axis(values[0], low, high)
        first, last = unit.write(values[0]), unit.write(values[-1])
        crowded = bool(ticks) and x - ticks[-1].x < _TIGHT and not ticks[-1].is_low
        ticks.append(
            Tick(
                x=x,
                label=cluster_label([name for name, _ in together]),
                value=first if first == last else f"{unit.digits(values[0])}–{last}",
                anchor=_anchor(x),
                is_low=crowded,
            )
        )
    return tuple(ticks)


def _clusters(places: Sequence[Place], low: float, high: float) -> Iterator[list[Place]]:
    """Yield places that stand too near to each other for a label each."""
    cluster: list[Place] = []
    for name, value in places:
        start = cluster[0][1] if cluster else value
        apart = _percent_of_axis(value, low, high) - _percent_of_axis(start, low, high)
        if cluster and apart > _TOUCHING:
            yield cluster
            cluster = []
        cluster.append((name, value))
    if cluster:
        yield cluster


def _percent_of_axis(value: float, low: float, high: float) -> float:
    if high <= low:
        return 50.0
    return round(100 * min(1.0, max(0.0, (value - low) / (high - low))), 3)


def _anchor(x: float) -> str:
    return "start" if x < 8 else "end" if x > 92 else "middle"
