"""What the pages of a job show: the live page while it runs, the result's page afterwards."""

from dataclasses import dataclass
from typing import Any

from engine.schema.codec import from_json
from engine.schema.results import QuantizeResult
from webapp.charts.accuracy_front import accuracy_chart
from webapp.charts.chart import Chart
from webapp.charts.effort import equal_cost_chart
from webapp.charts.live import LIVE_CHARTS
from webapp.charts.loss_front import loss_chart
from webapp.charts.policy import bits_chart
from webapp.charts.quantities import PROVENANCE_MEANING, QUANTITIES, duration
from webapp.charts.sensitivity import sensitivity_chart
from webapp.jobs import queries
from webapp.jobs.answer import Answer, answer
from webapp.jobs.contenders import ContenderTable, contender_table
from webapp.jobs.models import Job
from webapp.jobs.snippet import load_snippet

STAGES: dict[str, str] = {
    "preparing": "Preparing",
    "training": "Training",
    "sensitivity": "Sensitivity",
    "searching": "Searching",
    "finetuning": "Fine-tuning",
    "exporting": "Exporting",
}
LOG_LINES = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultPage:
    """Everything the page of a finished HAQ search draws."""

    answer: Answer
    contenders: ContenderTable
    bits: Chart | None
    fronts: tuple[Chart, ...]
    equal_cost: Chart
    sensitivity: Chart | None
    stages: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    provenances: tuple[tuple[str, str, str], ...]  # word, what it means, validation
    snippet: str


def live_page(job: Job) -> dict[str, Any]:  # Any: a template's context
    """Return what the page of a job without a result needs beside the job."""
    unit = QUANTITIES[job.budget_metric].unit_for([job.budget_limit])  # type: ignore[index] # a metric
    return {
        "charts": LIVE_CHARTS.get(job.kind, ()),
        "stages": _stages(job),
        "budget_unit": {"metric": job.budget_metric, "symbol": unit.symbol, "size": unit.size},
    }


def result_page(job: Job) -> ResultPage:
    """Return what the page of a succeeded job shows."""
    result = from_json(QuantizeResult, job.result)
    found = result.contender(result.found)
    return ResultPage(
        answer=answer(result),
        contenders=contender_table(result),
        bits=bits_chart(result.model, found.policy) if found.policy else None,
        fronts=(accuracy_chart(result), loss_chart(result)),
        equal_cost=equal_cost_chart(queries.scored_episodes(job.pk)),
        sensitivity=sensitivity_chart(result.sensitivity) if result.sensitivity else None,
        stages=tuple(
            (STAGES.get(stage, stage), duration(seconds))
            for stage, seconds in result.stage_seconds.items()
        ),
        notes=result.notes,
        provenances=_provenances(result),
        snippet=load_snippet(result),
    )


def config_rows(job: Job) -> list[tuple[str, str]]:
    """Return a job's config as flat rows of name and value."""
    return _flattened(job.config, "")


def _flattened(value: Any, path: str) -> list[tuple[str, str]]:  # Any: JSON
    if isinstance(value, dict):
        return [
            row
            for key, each in value.items()
            for row in _flattened(each, f"{path}.{key}".strip("."))
        ]
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [row for at, each in enumerate(value) for row in _flattened(each, f"{path}.{at}")]
    if isinstance(value, list):
        return [(path, ", ".join(str(each) for each in value))]
    return [(path, "–" if value is None else str(value))]


def _stages(job: Job) -> list[tuple[str, str, str]]:
    order = list(STAGES)
    now = order.index(job.stage) if job.stage in order else -1
    return [
        (stage, STAGES[stage], "done" if at < now else "now" if at == now else "next")
        for at, stage in enumerate(order)
    ]


def _provenances(result: QuantizeResult) -> tuple[tuple[str, str, str], ...]:
    found = result.contender(result.found)
    known: dict[str, str] = {"measured": "Accuracies and search times of this run."}
    for value in found.cost.values.values():
        known.setdefault(value.provenance, value.validation)
    return tuple(
        (word, PROVENANCE_MEANING.get(word, ""), validation)  # type: ignore[call-overload] # a word
        for word, validation in known.items()
    )
