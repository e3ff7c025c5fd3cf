"""The answer that the result of a ProxylessNAS search opens with."""

from math import isinf

from engine.schema.cost import Metric, Value
from engine.schema.results import Accuracy, SearchResult, TrainedNetwork
from webapp.charts.chart import listed
from webapp.charts.quantities import QUANTITIES, duration, percent, write
from webapp.jobs.answer import Answer, Stat, dataset_title, target_title
from webapp.jobs.gap import gap, in_words
from webapp.jobs.random_band import RandomBand, random_band, trained_accuracy

_NOT_HEADLINES: frozenset[Metric] = frozenset(("bit_ops", "peak_activation_bytes"))
_COUNTS = {2: "two", 3: "three", 4: "four", 5: "five", 6: "six", 7: "seven", 8: "eight", 9: "nine"}


def search_answer(result: SearchResult, *, table_title: str = "") -> Answer:
    """Return what a result has to say first; `table_title` is what a table was called."""
    found = result.contender(result.found)
    within = listed([write(budget.metric, budget.limit) for budget in result.budgets])
    accuracy = trained_accuracy(found)
    images = "unseen images" if accuracy and accuracy.split == "report" else "search images"
    return Answer(
        lead=f"Within {within} on {target_title(result.target, table_title)},",
        subject=f"the network found in {result.space.title} classifies",
        value=percent(accuracy.value) if accuracy else "–",
        rest=f"of {images} of {dataset_title(result.dataset)} right"
        f"{_against_mobilenet(result, accuracy)}.{_against_random(result, accuracy)}",
        stats=_stats(result, found),
    )


def mobilenet(result: SearchResult) -> TrainedNetwork | None:
    """Return the MobileNetV2 that was trained beside the found network."""
    return next((row for row in result.contenders if row.origin == "mobilenet_v2"), None)


def _against_mobilenet(result: SearchResult, own: Accuracy | None) -> str:
    rival = mobilenet(result)
    theirs = trained_accuracy(rival) if rival else None
    if rival is None or own is None or theirs is None:
        return ""
    metric = result.budgets[0].metric
    at = ""
    if metric in rival.cost:
        unit = QUANTITIES[metric].unit_for([rival.cost[metric]])
        at = f" at {unit.write(rival.cost[metric])}"
    return f": {in_words([gap(own, theirs, name=f'{rival.label}{at}')])}"


def _against_random(result: SearchResult, own: Accuracy | None) -> str:
    """Return the sentence on random networks: never a victory smaller than their spread."""
    band = random_band(result)
    if band is None or own is None:
        return ""
    reach = "reaches" if band.count == 1 else "reach"
    who = f"{_number(band)} of the same space and budget {reach} {band.range_words}"
    words = f" {who[:1].upper()}{who[1:]}."
    noise = band.noise(own)
    if isinf(noise):
        return f"{words} With so few the search cannot be told from a random draw."
    difference = own.value - band.mean
    gap_words = (
        f"{100 * abs(difference):.1f} points {'above' if difference > 0 else 'below'} their mean"
    )
    chance = f"{100 * noise:.1f} that chance may give"
    if abs(difference) <= noise:
        return (
            f"{words} The search cannot be told from a random draw: the found network stands "
            f"{gap_words}, within the {chance}."
        )
    verdict = "did better" if difference > 0 else "did worse"
    return (
        f"{words} The search {verdict} than a random draw: the found network stands {gap_words}, "
        f"beyond the {chance}."
    )


def _number(band: RandomBand) -> str:
    if band.count == 1:
        return "one random network"
    return f"{_COUNTS.get(band.count, str(band.count))} random networks"


def _stats(result: SearchResult, found: TrainedNetwork) -> tuple[Stat, ...]:
    rival = mobilenet(result)
    stats = []
    if accuracy := trained_accuracy(found):
        theirs = trained_accuracy(rival) if rival else None
        stats.append(
            Stat(
                term="Accuracy",
                value=percent(accuracy.value),
                error=f"± {100 * accuracy.standard_error:.1f}",
                beside=f"MobileNetV2 {percent(theirs.value)}" if theirs else "",
                provenance=accuracy.provenance,
                validation=f"On {accuracy.images:,} {accuracy.split} images; ± is one standard "
                "error. Another seed of the training moves it too.",
            )
        )
    stats += [
        _cost_stat(metric, value, rival)
        for metric, value in found.cost.values.items()
        if metric not in _NOT_HEADLINES
    ]
    spent = sum(result.stage_seconds.get(stage, 0.0) for stage in ("training", "searching"))
    stats.append(
        Stat(
            term="Search time",
            value=duration(spent),
            beside=f"{len(result.candidates):,} networks scored",
            provenance="measured",
            validation="Wall time on the worker: warm-up and search, without the final training.",
        )
    )
    return tuple(stats)


def _cost_stat(metric: Metric, value: Value, rival: TrainedNetwork | None) -> Stat:
    beside = ""
    if rival is not None and metric in rival.cost:
        beside = f"{percent(value.value / rival.cost[metric], places=0)} of {rival.label}"
    return Stat(
        term=QUANTITIES[metric].title,
        value=QUANTITIES[metric].unit_for([value.value]).write(value.value),
        beside=beside,
        provenance=value.provenance,
        validation=value.validation,
    )
