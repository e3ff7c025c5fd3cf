"""The answer a result opens with: one sentence and the numbers it rests on."""

from dataclasses import dataclass

from engine.catalog.datasets import DATASETS
from engine.catalog.hosts import HOSTS
from engine.catalog.models import model_entry
from engine.catalog.targets import TARGETS
from engine.schema.cost import Metric, Provenance, Value
from engine.schema.errors import InvalidConfig
from engine.schema.results import Accuracy, Contender, QuantizeResult
from webapp.charts.chart import listed
from webapp.charts.quantities import QUANTITIES, duration, metric_title, percent, write
from webapp.jobs.gap import gap, in_words

_ALIKE = 0.1  # of a cost: so much above or below is about the same
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


def answer(
    result: QuantizeResult, *, accuracy_drop: float | None = None, table_title: str = ""
) -> Answer:
    """Return what a result has to say first; with a drop, the cost at which no more was lost.

    `table_title` is what a table was called.
    """
    where = target_title(result.target, table_title)
    if accuracy_drop is not None:
        return _cost_answer(result, accuracy_drop, where)
    found = result.contender(result.found)
    accuracy = delivered(found)
    within = listed([write(budget.metric, budget.limit) for budget in result.budgets])
    return Answer(
        lead=f"Within {within} on {where},",
        subject=f"{model_title(result.model.model)} {_verb(result)}",
        value=percent(accuracy.value) if accuracy else "–",
        rest=f"{_of_images(result, accuracy)}: {_held_against(result, found)}.",
        stats=_stats(result, found, is_asked_for=True),
    )


def _cost_answer(result: QuantizeResult, drop: float, where: str) -> Answer:
    """Return the answer to how small a cost can be."""
    found = result.contender(result.found)
    metric = result.budgets[0].metric
    accuracy = delivered(found)
    title = metric_title(metric).lower()
    of_eight = _of_eight(metric, found.cost[metric], _eight_bits(result))
    right = f"{percent(accuracy.value)} {_of_images(result, accuracy)}" if accuracy else "–"
    return Answer(
        lead=f"Asked to lose at most {points_words(drop)} on {where},",
        subject=f"{model_title(result.model.model)} gets down to a {title} of",
        value=write(metric, found.cost[metric]),
        rest=f"({of_eight}). It {_verb(result)} {right}: {_held_against(result, found)}."
        f"{_whether_kept(result, found, drop)}",
        stats=_stats(result, found, is_asked_for=False),
    )


def points_words(drop: float) -> str:
    """Return a drop, 0-1, as "1 point" or "2.5 points"."""
    points_lost = f"{100 * drop:.4g}"
    return f"{points_lost} point{'' if points_lost == '1' else 's'}"


def _whether_kept(result: QuantizeResult, found: Contender, drop: float) -> str:
    """Return a sentence where the delivered network loses more than asked, chance aside.

    The search holds the drop on the images that score policies, before fine-tuning.
    """
    own, of_float = delivered(found), delivered(result.contender("float"))
    scored = found.search_accuracy
    if own is None or of_float is None or scored is None:
        return ""
    lost = gap(of_float, own, name="")
    if lost.points - 100 * drop <= lost.noise:
        return ""
    return (
        f" That is more than was asked for: the {scored.images:,} search images that scored "
        "policies were too few to hold it; score on more."
    )


def _verb(result: QuantizeResult) -> str:
    """Return what the images ask of a network: their label, or without one its own answer."""
    return "classifies" if result.is_labelled else "keeps the float network’s answer on"


def _of_images(result: QuantizeResult, accuracy: Accuracy | None) -> str:
    images = "unseen images" if accuracy and accuracy.split == "report" else "search images"
    of_images = f"of {images} of {dataset_title(result.dataset)}"
    return f"{of_images} right" if result.is_labelled else of_images


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
        rivals[f"{uniform.label.lower()} at {_at_cost(result, uniform)}"] = uniform
    return rivals


def _at_cost(result: QuantizeResult, uniform: Contender) -> str:
    metric = result.budgets[0].metric
    cost = uniform.cost[metric]
    if abs(cost / result.contender(result.found).cost[metric] - 1) <= _ALIKE:
        return "about the same cost"
    return write(metric, cost)


def _before_tuning(result: QuantizeResult, found: Contender) -> str:
    """Return the clause on what the bits alone do, where it can be told."""
    uniform = uniform_at_budget(result)
    own = found.untuned_report_accuracy
    theirs = uniform.untuned_report_accuracy if uniform else None
    if uniform is None or own is None or theirs is None:
        return ""
    before = gap(own, theirs, name=uniform.label.lower())
    return f"; before fine-tuning it stands {before}" if before.is_clear else ""


def _stats(result: QuantizeResult, found: Contender, *, is_asked_for: bool) -> tuple[Stat, ...]:
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
    eight = _eight_bits(result)
    limits = {budget.metric: budget.limit for budget in result.budgets} if is_asked_for else {}
    stats += [
        _cost_stat(metric, value, eight, limits.get(metric))
        for metric, value in found.cost.values.items()
        if metric not in ("macs", "peak_activation_bytes")
    ]
    stats.append(
        Stat(
            term="Search time",
            value=duration(found.search_seconds),
            beside=_scored(found.evaluations),
            provenance="measured",
            validation="Wall time on the worker, the passes it builds on included.",
        )
    )
    return tuple(stats)


def _scored(policies: int) -> str:
    if policies == 0:
        return "from the sensitivities; no policy scored"
    return f"{policies:,} {'policy' if policies == 1 else 'policies'} scored"


def _eight_bits(result: QuantizeResult) -> Contender | None:
    return next((row for row in result.contenders if row.id == "uniform-8"), None)


def _of_eight(metric: Metric, cost: float, eight: Contender | None) -> str:
    if eight is None or metric not in eight.cost:
        return ""
    return f"{percent(cost / eight.cost[metric], places=0)} of fixed 8-bit"


def _cost_stat(metric: Metric, value: Value, eight: Contender | None, limit: float | None) -> Stat:
    of_eight = _of_eight(metric, value.value, eight)
    of_budget = "" if limit is None else f"{percent(value.value / limit)} of the budget"
    return Stat(
        term=QUANTITIES[metric].title,
        value=write(metric, value.value),
        beside=" · ".join(part for part in (of_eight, of_budget) if part),
        provenance=value.provenance,
        validation=value.validation,
    )
