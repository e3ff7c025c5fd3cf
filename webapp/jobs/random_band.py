"""Random networks of a searched space as a band: what one gets without searching."""

from dataclasses import dataclass
from math import hypot, inf, sqrt
from statistics import mean, stdev

from engine.schema.results import Accuracy, SearchResult, TrainedNetwork
from webapp.charts.quantities import percent
from webapp.jobs.gap import CLEAR

_FEWEST = 3  # below that their spread is not known


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomBand:
    """The accuracies of random networks within the budget, trained like the found one."""

    count: int
    lowest: float
    highest: float
    mean: float
    spread: float  # standard deviation between them; infinite where they are too few

    @property
    def range_words(self) -> str:
        """From the lowest to the highest: "85.8–87.2 %"."""
        low, high = percent(self.lowest).split("\u202f")[0], percent(self.highest)
        return high if low == high.split("\u202f")[0] else f"{low}–{high}"

    def noise(self, own: Accuracy) -> float:
        """Return what a network must differ by from their mean to be told from one of them.

        One more random network would scatter by the spread about a mean that is itself uncertain.
        """
        of_networks = self.spread * sqrt(1 + 1 / self.count)
        of_images = hypot(own.standard_error, own.standard_error / sqrt(self.count))
        return CLEAR * max(of_networks, of_images)


def trained_accuracy(network: TrainedNetwork) -> Accuracy | None:
    """Return the accuracy of a network as trained: on the report split where there is one."""
    return network.report_accuracy or network.search_accuracy


def random_band(result: SearchResult) -> RandomBand | None:
    """Return the band of a result's random networks; None where none was trained."""
    values = [
        accuracy.value
        for row in result.contenders
        if row.origin == "random" and (accuracy := trained_accuracy(row))
    ]
    if not values:
        return None
    return RandomBand(
        count=len(values),
        lowest=min(values),
        highest=max(values),
        mean=mean(values),
        spread=stdev(values) if len(values) >= _FEWEST else inf,
    )
