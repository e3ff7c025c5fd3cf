"""The feasibility band of a search space: the mean network and MobileNetV2 on the same axis."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil, floor, log10

from engine.schema.cost import Metric
from engine.schema.errors import readable_limit
from webapp.charts.band import Place, ReachBand, Span, lay_out, limit_problem
from webapp.charts.chart import Table
from webapp.charts.quantities import QUANTITIES, Unit, percent

_MEAN = "mean"
_NEAR = 1.15  # a MobileNetV2 further than this from the space's ends would stretch the axis


@dataclass(frozen=True, slots=True, kw_only=True)
class SpaceReach:
    """What the networks of a space cost by one metric, in its unit."""

    metric: Metric
    lowest: float
    highest: float
    mean: float  # of a network that draws each operation alike
    mobilenets: Mapping[float, float] = field(default_factory=dict)  # by width multiplier

    @property
    def shown(self) -> dict[float, float]:
        """The MobileNetV2s that stand near enough to be drawn."""
        low, high = self.lowest / _NEAR, self.highest * _NEAR
        return {width: cost for width, cost in self.mobilenets.items() if low <= cost <= high}


def space_band(reach: SpaceReach, limit: float | None, *, who: str, where: str) -> ReachBand:
    """Lay out what the networks of a space (`who`) cost on a target (`where`)."""
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
        table=_table(reach, unit, shown),
        cluster_label=_cluster_label,
    )


def default_space_limit(reach: SpaceReach) -> str:
    """Return the limit to start from, as the form takes it.

    It is that of the MobileNetV2 nearest the middle between the lowest and the mean, where
    choices are the hardest; without one, that middle.
    """
    unit = QUANTITIES[reach.metric].form_unit
    middle = (reach.lowest + reach.mean) / 2
    within = [cost for cost in reach.shown.values() if reach.lowest < cost < reach.mean]
    value = min(within, key=lambda cost: abs(cost - middle), default=middle) / unit.size
    # Three digits, and up, so that the MobileNetV2 itself stays within.
    step = 10.0 ** (floor(log10(value)) - 2)
    rounded = ceil(value / step) * step
    if rounded * unit.size <= reach.highest:
        return f"{rounded:.10g}"
    return readable_limit(value)


def _span(reach: SpaceReach) -> Span:
    places: list[Place] = [
        ("lowest", reach.lowest),
        (_MEAN, reach.mean),
        ("highest", reach.highest),
        *((f"×{width:g}", cost) for width, cost in reach.shown.items()),
    ]
    return Span(
        lowest=reach.lowest,
        highest=reach.highest,
        places=tuple(sorted(places, key=lambda place: place[1])),
        who="a network of this space",
    )


def _cluster_label(names: Sequence[str]) -> str:
    widths = [name for name in names if name.startswith("×")]
    others = [name for name in names if not name.startswith("×")]
    if len(widths) > 2:
        widths = [f"{widths[0]}–{widths[-1]}"]
    return ", ".join([*others, *widths])


def _sentence(reach: SpaceReach, unit: Unit, limit: float | None, *, who: str, where: str) -> str:
    sentence = (
        f"{who} reaches {unit.digits(reach.lowest)} to {unit.write(reach.highest)} on {where}; "
        f"the mean is that of a network drawn at random."
    )
    if reach.shown:
        sentence += " × is MobileNetV2 at that width."
    if limit is not None:
        share = (limit - reach.lowest) / (reach.highest - reach.lowest)
        sentence += f" The budget stands at {percent(share, places=0)} of the range."
    return sentence


def _table(reach: SpaceReach, unit: Unit, limit: float | None) -> Table:
    rows = [
        ("Lowest network of the space", reach.lowest),
        ("Mean of random networks", reach.mean),
        ("Highest network of the space", reach.highest),
        *((f"MobileNetV2 ×{width:g}", cost) for width, cost in reach.mobilenets.items()),
    ]
    if limit is not None:
        rows.append(("The budget", limit))
    return Table(
        columns=("Network", QUANTITIES[reach.metric].title, "Of the mean"),
        rows=tuple(
            (name, unit.write(value), percent(value / reach.mean, places=0))
            for name, value in sorted(rows, key=lambda row: row[1])
        ),
    )
