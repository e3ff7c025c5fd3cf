"""The answer a result opens with: one sentence and the numbers it rests on."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import hypot

from engine.catalog.datasets import DATASETS
from engine.catalog.hosts import HOSTS
from engine.catalog.models import model_entry
from engine.catalog.targets import TARGETS
from engine.schema.cost import Metric, Provenance, Value
from engine.schema.errors import InvalidConfig
from engine.schema.results import Accuracy, Contender, QuantizeResult
from webapp.charts.chart import listed
from webapp.charts.quantities import QUANTITIES, duration, percent, points

# Two numbers closer than this many standard errors of their difference are not told apart.
CLEAR = 2.0
_FOUND = "result:"  # begins the id of a network that a search found


@dataclass(frozen=True, slots=True, kw_only=True)
class Stat:
    """One headline number."""

    term: str
    value: str
    error: str = ""
    beside: str = ""  # what to hold it against
    provenance: Provenance
    validation: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was found, in a sentence and in numbers."""

    lead: str  # "Within 0.40 ms on BISMO, cloud FPGA (VU9P),"
    subject: str
    value: str
    rest: str
    stats: tuple[Stat, ...]


def answer(result: QuantizeResult) -> Answer:
    """Return what a result has to say first."""
    found = result.contender(result.found)
    budget = result.budgets[0]
    accuracy = delivered(found)
    images = "unseen images" if accuracy and accuracy.split == "report" else "search images"
    return Answer(
        lead=(
            f"Within {QUANTITIES[budget.metric].unit_for([budget.limit]).write(budget.limit)} "
            f"on {target_title(result.target)},"
        ),
        subject=f"{model_title(result.model.model)} classifies",
        value=percent(accuracy.value) if accuracy else "–",
        rest=(
            f"of {images} of {dataset_title(result.dataset)} right: {_held_against(result, found)}."
        ),
        stats=_stats(result, found),
    )


def delivered(contender: Contender) -> Accuracy | None:
    """Return the accuracy of a contender as delivered: on the report split where there is one."""
    return contender.report_accuracy or contender.tuned_search_accuracy or contender.search_accuracy


def uniform_at_budget(result: QuantizeResult) -> Contender | None:
    """Return the fixed-width baseline whose cost is nearest to the budget."""
    budget = result.budgets[0]
    baselines = [
        row
        for row in result.contenders
        if row.role == "baseline" and row.policy is not None and budget.metric in row.cost
    ]
    return min(baselines, key=lambda row: abs(row.cost[budget.metric] - budget.limit), default=None)


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


def model_title(model_id: str) -> str:
    """Return a network's name for people; of one that a search found, by its search."""
    if model_id.startswith(_FOUND):
        return model_words(model_id)
    try:
        return model_entry(model_id).title
    except InvalidConfig:
        return model_id


def model_words(model_id: str) -> str:
    """Return a network as lists of runs name it: its id, but for those that searches found."""
    if model_id.startswith(_FOUND):
        return f"found network {model_id.removeprefix(_FOUND)[:8]}"
    return model_id


def dataset_title(dataset_id: str) -> str:
    """Return a data set's name for people."""
    entry = DATASETS.get(dataset_id)
    return entry.title if entry else dataset_id.removeprefix("folder:")


def target_title(target_id: str, kept: str = "") -> str:
    """Return a target's name for people; of a table it is what its job kept (`target_title`)."""
    entry = TARGETS.get(target_id) or HOSTS.get(target_id)
    return kept or (entry.title if entry else target_id)


def _held_against(result: QuantizeResult, found: Contender) -> str:
    gaps = [
        gap(own, theirs, name=name)
        for name, row in _rivals(result).items()
        if row.id != found.id and (own := delivered(found)) and (theirs := delivered(row))
    ]
    return in_words(gaps) + _before_tuning(result, found)


def _rivals(result: QuantizeResult) -> dict[str, Contender]:
    rows = {row.id: row for row in result.contenders}
    rivals = {"the float network": rows["float"]}
    if "uniform-8" in rows:
        rivals["fixed 8-bit"] = rows["uniform-8"]
    uniform = uniform_at_budget(result)
    if uniform is not None and uniform.id != "uniform-8":
        rivals[f"{uniform.label.lower()} at about the same cost"] = uniform
    return rivals


def _before_tuning(result: QuantizeResult, found: Contender) -> str:
    """Return the clause on what the bits alone do, where it can be told."""
    uniform = uniform_at_budget(result)
    own = found.untuned_report_accuracy
    theirs = uniform.untuned_report_accuracy if uniform else None
    if uniform is None or own is None or theirs is None:
        return ""
    before = gap(own, theirs, name=uniform.label.lower())
    return f"; before fine-tuning it stands {before}" if before.is_clear else ""


def _stats(result: QuantizeResult, found: Contender) -> tuple[Stat, ...]:
    flt = result.contender("float")
    stats = []
    accuracy, of_float = delivered(found), delivered(flt)
    if accuracy:
        stats.append(
            Stat(
                term="Accuracy",
                value=percent(accuracy.value),
                error=f"± {100 * accuracy.standard_error:.1f}",
                beside=f"float {percent(of_float.value)}" if of_float else "",
                provenance=accuracy.provenance,
                validation=f"On {accuracy.images:,} {accuracy.split} images; ± is one "
                "standard error.",
            )
        )
    eight = next((row for row in result.contenders if row.id == "uniform-8"), None)
    stats += [
        _cost_stat(metric, value, eight)
        for metric, value in found.cost.values.items()
        if metric not in ("macs", "peak_activation_bytes")
    ]
    stats.append(
        Stat(
            term="Search time",
            value=duration(found.search_seconds),
            beside=f"{found.evaluations:,} policies scored",
            provenance="measured",
            validation="Wall time on the worker, the passes it builds on included.",
        )
    )
    return tuple(stats)


def _cost_stat(metric: Metric, value: Value, eight: Contender | None) -> Stat:
    ratio = value.value / eight.cost[metric] if eight and metric in eight.cost else None
    return Stat(
        term=QUANTITIES[metric].title,
        value=QUANTITIES[metric].unit_for([value.value]).write(value.value),
        beside="" if ratio is None else f"{percent(ratio, places=0)} of fixed 8-bit",
        provenance=value.provenance,
        validation=value.validation,
    )
