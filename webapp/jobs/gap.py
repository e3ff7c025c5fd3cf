"""How one accuracy stands to another, never claiming what may be chance."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import hypot

from engine.schema.results import Accuracy
from webapp.charts.chart import listed
from webapp.charts.quantities import points

# Two numbers closer than this many standard errors of their difference are not told apart.
CLEAR = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """How one accuracy stands to another, and how much of it may be chance."""

    name: str  # of the other
    points: float
    noise: float  # points; a smaller gap is not told from none

    @property
    def is_clear(self) -> bool:
        """Whether the gap is more than chance."""
        return abs(self.points) > self.noise

    def __str__(self) -> str:
        if self.is_clear:
            side = "above" if self.points > 0 else "below"
            return f"{abs(self.points):.1f} points {side} {self.name}"
        return f"{self.name} ({points(self.points / 100)} ± {self.noise:.1f} points)"


def gap(own: Accuracy, other: Accuracy, *, name: str) -> Gap:
    """Return how an accuracy stands to another. The images are the same, so the noise is less."""
    noise = CLEAR * hypot(own.standard_error, other.standard_error)
    return Gap(name=name, points=100 * (own.value - other.value), noise=100 * noise)


def in_words(gaps: Sequence[Gap]) -> str:
    """Return the gaps in a sentence, no claim smaller than the noise."""
    clear = [str(each) for each in gaps if each.is_clear]
    unclear = [str(each) for each in gaps if not each.is_clear]
    said = [*clear, *([f"no clear difference from {listed(unclear, 'or')}"] if unclear else [])]
    return listed(said) or "nothing was measured to hold it against"
