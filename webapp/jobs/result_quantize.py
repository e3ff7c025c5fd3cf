"""What the page of a finished HAQ search shows."""

from dataclasses import dataclass

from engine.cost.pricing import cost_model
from engine.schema.codec import config_from_json
from engine.schema.quantize_config import QuantizeConfig
from engine.schema.results import QuantizeResult
from engine.schema.target import Target
from webapp.charts.accuracy_front import accuracy_chart
from webapp.charts.chart import Chart
from webapp.charts.effort import equal_cost_chart
from webapp.charts.loss_front import loss_chart
from webapp.charts.policy import bits_chart
from webapp.charts.sensitivity import sensitivity_chart
from webapp.jobs import queries
from webapp.jobs.answer import Answer, answer
from webapp.jobs.budgets_met import BudgetRow, budget_rows
from webapp.jobs.contenders import ContenderTable, contender_table
from webapp.jobs.kinds import stage_times
from webapp.jobs.learning import Learning, learning
from webapp.jobs.models import Job
from webapp.jobs.provenances import provenances
from webapp.jobs.reasons import Reasons, reasons
from webapp.jobs.results import result_of
from webapp.jobs.snippet import load_snippet
from webapp.jobs.transfer import Subject, TransferMatrix, transfer_matrices
from webapp.tables.targets import targets_of


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantizePage:
    """Everything the page of a finished HAQ search draws."""

    answer: Answer
    budgets: tuple[BudgetRow, ...]  # where there are several, or the first was found
    contenders: ContenderTable
    learning: Learning | None
    reasons: Reasons | None
    transfers: tuple[
        TransferMatrix, ...
    ]  # none where activations stay float: no device has a price
    bits: Chart | None
    fronts: tuple[Chart, ...]
    equal_cost: Chart
    sensitivity: Chart | None
    stages: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    provenances: tuple[tuple[str, str, str], ...]  # word, what it means, validation
    snippet: str


def quantize_page(job: Job) -> QuantizePage:
    """Return what the page of a succeeded HAQ search shows."""
    result = result_of(job)
    assert isinstance(result, QuantizeResult)  # as the job's kind says
    config = config_from_json(job.config)
    assert isinstance(config, QuantizeConfig)
    found = result.contender(result.found)
    targets = targets_of(job.team)
    asks_for_cost = config.accuracy_drop is not None
    budgets = budget_rows(result, is_first_found=asks_for_cost)
    return QuantizePage(
        answer=answer(result, accuracy_drop=config.accuracy_drop, table_title=job.target_title),
        budgets=budgets if asks_for_cost or len(budgets) > 1 else (),
        contenders=contender_table(result),
        learning=learning(result),
        reasons=_reasons(result, targets.find(result.target)),
        transfers=()
        if config.quantizer == "kmeans"
        else transfer_matrices(_subjects(result), own=result.target, targets=targets),
        bits=bits_chart(result.model, found.policy) if found.policy else None,
        fronts=(accuracy_chart(result), loss_chart(result, config.sensitivity)),
        equal_cost=equal_cost_chart(queries.scored_episodes(job.pk)),
        sensitivity=sensitivity_chart(result.sensitivity, config.sensitivity)
        if result.sensitivity
        else None,
        stages=stage_times(job.kind, result.stage_seconds),
        notes=result.notes,
        provenances=provenances(found.cost, measured="Accuracies and search times of this run."),
        snippet=load_snippet(result),
    )


def _reasons(result: QuantizeResult, target: Target | None) -> Reasons | None:
    return None if target is None else reasons(result, cost_model(target))


def _subjects(result: QuantizeResult) -> list[Subject]:
    """Return what was found, and the baselines to hold it against."""
    found = result.contender(result.found)
    baselines = [row for row in result.contenders if row.role == "baseline"]
    return [
        Subject(
            label=row.label, network=result.model, policy=row.policy, is_found=row.id == found.id
        )
        for row in [found, *(each for each in baselines if each.id != found.id)]
    ]
