"""How quantities are named and written on pages: units, scales and significant digits."""

from collections.abc import Iterable
from dataclasses import dataclass

from engine.schema.cost import Metric, Provenance

NARROW_SPACE = "\u202f"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A unit to show values in: one of it is `size` of the metric's own unit."""

    symbol: str
    size: float

    def write(self, value: float, *, signed: bool = False) -> str:
        """Return the value in this unit, with its symbol."""
        return f"{self.digits(value, signed=signed)}{NARROW_SPACE}{self.symbol}".rstrip(
            NARROW_SPACE
        )

    def digits(self, value: float, *, signed: bool = False) -> str:
        """Return the value in this unit to about three significant digits, no symbol."""
        shown = value / self.size
        places = 0 if abs(shown) >= 100 else 1 if abs(shown) >= 20 else 2
        if 0 < abs(shown) < 0.1:
            places = 4
        return f"{shown:{'+' if signed else ''},.{places}f}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """A metric's words: what it is called and the units it may be shown in, ascending."""

    title: str
    units: tuple[Unit, ...]
    form_unit: Unit  # what a person types a limit in

    def unit_for(self, values: Iterable[float]) -> Unit:
        """Return the one unit that suits a whole column or axis: that of its largest value."""
        largest = max((abs(value) for value in values), default=0.0)
        fitting = [unit for unit in self.units if largest >= unit.size]
        return fitting[-1] if fitting else self.units[0]


def _decimal(symbol: str) -> tuple[Unit, ...]:
    return tuple(
        Unit(symbol=f"{prefix}{symbol}".strip(), size=10.0**power)
        for prefix, power in (("", 0), ("k", 3), ("M", 6), ("G", 9))
    )


_MS = Unit(symbol="ms", size=1.0)
_MJ = Unit(symbol="mJ", size=1.0)
_KB = Unit(symbol="kB", size=1e3)
_MILLION = Unit(symbol="M", size=1e6)

QUANTITIES: dict[Metric, Quantity] = {
    "latency_ms": Quantity(title="Latency", units=(_MS,), form_unit=_MS),
    "energy_mj": Quantity(title="Energy", units=(_MJ,), form_unit=_MJ),
    "model_bytes": Quantity(title="Model size", units=_decimal("B"), form_unit=_KB),
    "macs": Quantity(title="MACs", units=_decimal(""), form_unit=_MILLION),
    "bit_ops": Quantity(title="Bit operations", units=_decimal(""), form_unit=_MILLION),
    "peak_activation_bytes": Quantity(
        title="Peak activation memory", units=_decimal("B"), form_unit=_KB
    ),
}

PROVENANCE_MEANING: dict[Provenance, str] = {
    "measured": "Timed or counted on real runs.",
    "simulated": "From a model of the device that was checked against published figures.",
    "table": "Looked up in a table of measured operations.",
    "fit": "From a curve fitted to published figures.",
    "estimate": "A reasoned guess, checked against nothing yet.",
    "counted": "Follows from the shapes and the bits alone; exact.",
}


def metric_title(metric: str) -> str:
    """Return a metric's name for people."""
    return QUANTITIES[metric].title if metric in QUANTITIES else metric.replace("_", " ")


def metric_words(metric: Metric) -> str:
    """Return a metric's name in the middle of a sentence: "latency", "MACs"."""
    title = metric_title(metric)
    return title if title == "MACs" else title.lower()


def write(metric: Metric, value: float) -> str:
    """Return a value with the unit that suits it: `write("model_bytes", 231_000)` is "231 kB"."""
    return QUANTITIES[metric].unit_for([value]).write(value)


def percent(ratio: float, *, places: int = 1) -> str:
    """Return a ratio as percent, `0.9071` as "90.7 %"."""
    return f"{100 * ratio:.{places}f}{NARROW_SPACE}%"


def points(difference: float) -> str:
    """Return a difference of two ratios in signed percentage points, with a true minus."""
    return f"{100 * difference:+.1f}".replace("-", "\u2212")


def duration(seconds: float) -> str:
    """Return a duration as people say it: "0.4 s", "48 s", "3 min 20 s", "2 h 05 min"."""
    if seconds < 10:
        return f"{seconds:.1f}{NARROW_SPACE}s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}{NARROW_SPACE}s"
    if whole < 3600:
        minutes, rest = divmod(whole, 60)
        return f"{minutes}{NARROW_SPACE}min {rest:02d}{NARROW_SPACE}s"
    hours, rest = divmod(whole, 3600)
    return f"{hours}{NARROW_SPACE}h {rest // 60:02d}{NARROW_SPACE}min"
