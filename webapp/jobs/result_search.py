"""What the page of a finished ProxylessNAS search shows."""

from dataclasses import dataclass

from engine.catalog.baselines import BASELINE_BITS, uniform_policy
from engine.cost.space_costs import pricing_bits
from engine.schema.architecture import Architecture
from engine.schema.codec import config_from_json
from engine.schema.results import SearchResult
from engine.schema.search_config import SearchConfig
from webapp.charts.architecture import architecture_chart
from webapp.charts.candidate_front import candidate_chart
from webapp.charts.chart import Chart
from webapp.charts.network_front import network_chart
from webapp.charts.probabilities import ProbabilityHistory, probability_history
from webapp.jobs import queries
from webapp.jobs.answer import Answer
from webapp.jobs.budgets_met import BudgetRow, budget_rows
from webapp.jobs.kinds import stage_times
from webapp.jobs.models import Job
from webapp.jobs.provenances import provenances
from webapp.jobs.results import result_of
from webapp.jobs.search_answer import search_answer
from webapp.jobs.search_contenders import NetworkTable, network_table
from webapp.jobs.search_snippet import network_snippet
from webapp.jobs.transfer import Subject, TransferMatrix, transfer_matrices
from webapp.tables.targets import Targets, targets_of


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchPage:
    """Everything the page of a finished ProxylessNAS search draws."""

    answer: Answer
    budgets: tuple[BudgetRow, ...]  # where there are several
    architecture: Chart | None
    networks: NetworkTable
    transfers: tuple[TransferMatrix, ...]
    priced: str  # at which bits, in the middle of a sentence
    fronts: tuple[Chart, ...]
    paths: ProbabilityHistory | None
    stages: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    provenances: tuple[tuple[str, str, str], ...]  # word, what it means, validation
    snippet: str


def search_page(job: Job) -> SearchPage:
    """Return what the page of a succeeded ProxylessNAS search shows."""
    result = result_of(job)
    assert isinstance(result, SearchResult)  # as the job's kind says
    moments = queries.gate_moments(job.pk)
    targets = targets_of(job.team)
    return SearchPage(
        answer=search_answer(result, table_title=job.target_title),
        budgets=budget_rows(result) if len(result.budgets) > 1 else (),
        architecture=_architecture(result),
        networks=network_table(result),
        transfers=transfer_matrices(_subjects(result), own=result.target, targets=targets),
        priced=_priced(job, targets),
        fronts=(network_chart(result), candidate_chart(result)),
        paths=probability_history(result.space, moments) if moments else None,
        stages=stage_times(job.kind, result.stage_seconds),
        notes=result.notes,
        provenances=provenances(
            result.contender(result.found).cost,
            measured="Accuracies and times of this run.",
        ),
        snippet=network_snippet(result),
    )


def _subjects(result: SearchResult) -> list[Subject]:
    """Return the found network in float and at fixed widths."""
    network = result.model
    return [
        Subject(label="Found, float", network=network, policy=None, is_found=True),
        *(
            Subject(
                label=f"Found, fixed {bits}-bit",
                network=network,
                policy=uniform_policy(network, bits, bits),
            )
            for bits in BASELINE_BITS
        ),
    ]


def _architecture(result: SearchResult) -> Chart | None:
    choices = result.contender(result.found).choices
    if choices is None:
        return None
    architecture = Architecture(space=result.space, choices=choices)
    return architecture_chart(architecture, probabilities=result.probabilities)


def _priced(job: Job, targets: Targets) -> str:
    config = config_from_json(job.config)
    target = targets.find(job.target)
    if target is None or not isinstance(config, SearchConfig):
        return "as the target prices them"
    bits = pricing_bits(config, target)
    return "of float numbers" if bits is None else f"at {bits.weight_bits} bits"
