"""The end of a run: everything is measured, the winner is written out, the result is told."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.catalog.datasets import dataset_entry
from engine.catalog.model_files import entry_of
from engine.data.splits import normalisation_for
from engine.export.files import FOLDER, Role, artifact, write_json
from engine.export.quantized import save_quantized
from engine.haq.comparison import comparisons
from engine.haq.contenders import Entry, is_within_budgets
from engine.haq.environment import QuantizationEnvironment
from engine.haq.front import predicted_front, scored_candidates
from engine.haq.measurements import Measuring
from engine.haq.policy_space import PolicySpace
from engine.haq.record import STRATEGIES, RunState
from engine.haq.report import crowned, measured
from engine.haq.subject import Subject
from engine.haq.thresholds import Thresholds
from engine.nn.obstacles import float_note, float_parts
from engine.schema.cost import Metric
from engine.schema.events import Event, RunFinished
from engine.schema.policy import Policy
from engine.schema.quantize_config import QuantizeConfig
from engine.schema.results import Artifact, Comparison, Contender, QuantizeResult
from engine.solver.widths import widths_note
from engine.training.float_weights import FloatWeights
from engine.training.interrupt import Interrupt, Stopped
from engine.training.plan import Plan

# Below this share of the 8-bit cost what layers lose alone no longer adds up.
_ADDITIVE_DOWN_TO = 0.5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Delivery:
    """All that the end of a run needs of its stages."""

    config: QuantizeConfig
    asked: QuantizeConfig  # without the limit that an accuracy drop was found to allow
    workdir: Path
    subject: Subject
    weights: FloatWeights
    thresholds: Thresholds
    space: PolicySpace
    environment: QuantizationEnvironment
    state: RunState
    rows: tuple[Entry, ...]
    tuned: Mapping[str, Policy | None]
    tuned_folder: Path
    plan: Plan
    interrupt: Interrupt

    def price(self, policy: Policy) -> dict[Metric, float]:
        """Return every metric of a policy."""
        cost = self.subject.costs.network_cost(self.subject.spec, policy)
        return {metric: value.value for metric, value in cost.values.items()}


def deliver(run: Delivery) -> Iterator[Event]:
    """Measure the contenders, write the files and tell the result.

    Raises:
        Stopped: on request, between two contenders; nothing is lost but these measurements.
    """
    started = time.monotonic()
    measuring = Measuring(
        run.config,
        run.subject,
        environment=run.environment,
        thresholds=run.thresholds,
        tuned=run.tuned,
        folder=run.tuned_folder,
    )
    contenders: list[Contender] = []
    for contender in measured(
        run.rows,
        measuring=measuring,
        subject=run.subject,
        environment=run.environment,
        state=run.state,
    ):
        contenders.append(contender)
        yield run.plan.progress("exporting", len(contenders), len(run.rows) + 1, "contenders")
        if run.interrupt.stops:
            raise Stopped
    found, ranked = crowned(tuple(contenders))
    duels = tuple(
        comparisons(run.rows, measuring=measuring, environment=run.environment, state=run.state)
    )
    run.state.stage_seconds["exporting"] = time.monotonic() - started
    yield run.plan.progress("exporting", len(run.rows) + 1, len(run.rows) + 1, "contenders")
    # Last of all: the log is among the files, and what follows its hash would change it.
    artifacts = _write(run, next(row for row in ranked if row.id == found), measuring)
    yield RunFinished(result=_result(run, found, ranked, duels, artifacts))


def _write(run: Delivery, winner: Contender, measuring: Measuring) -> tuple[Artifact, ...]:
    """Write what the person takes home; all of it priced and hashed."""
    policy = winner.policy
    assert policy is not None
    assert is_within_budgets(run.config, run.subject, policy), "what is delivered meets its budget"
    folder = run.workdir / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    save_quantized(
        measuring.delivered(policy),
        folder / "checkpoint.safetensors",
        spec=run.subject.spec,
        dataset=run.config.dataset,
        policy=policy,
        normalisation=normalisation_for(
            entry_of(run.config.model), dataset_entry(run.config.dataset)
        ),
    )
    write_json(folder / "policy.json", policy)
    write_json(folder / "config.json", run.asked)
    described: tuple[tuple[str, Role, str, str], ...] = (
        ("checkpoint.safetensors", "checkpoint", "Quantised network", "application/octet-stream"),
        ("policy.json", "policy", "Bit policy by layer", "application/json"),
        ("config.json", "config", "Config of this run", "application/json"),
        ("log.jsonl", "log", "Log, one event a line", "application/x-ndjson"),
    )
    return tuple(
        artifact(folder / name, workdir=run.workdir, role=role, title=title, media_type=media)
        for name, role, title, media in described
        if (folder / name).exists()
    )


def _result(
    run: Delivery,
    found: str,
    contenders: tuple[Contender, ...],
    duels: tuple[Comparison, ...],
    artifacts: tuple[Artifact, ...],
) -> QuantizeResult:
    metric = run.config.budgets[0].metric
    return QuantizeResult(
        found=found,
        contenders=contenders,
        model=run.subject.spec,
        dataset=run.config.dataset,
        target=run.config.target,
        budgets=run.config.budgets,
        front=predicted_front(run.space.problem, metric, run.price),
        candidates=scored_candidates(run.state, metric, run.environment.policy, run.price),
        sensitivity=tuple(run.state.sensitivities),
        artifacts=artifacts,
        stage_seconds=dict(run.state.stage_seconds),
        notes=tuple(_notes(run, contenders)),
        is_labelled=dataset_entry(run.config.dataset).classes is not None,
        comparisons=duels,
    )


def _notes(run: Delivery, contenders: tuple[Contender, ...]) -> Iterator[str]:
    yield run.weights.note
    yield from run.subject.splits.notes
    stays_float = float_note(float_parts(run.subject.network))
    if stays_float:
        yield stays_float
    report = contenders[0].report_accuracy
    assert report is not None
    band = 200 * report.standard_error * 2**0.5
    yield (
        f"Accuracies are of {report.images:,} report images that no step of the search has seen. "
        f"Two of them that differ by less than about {band:.1f} points do not differ."
    )
    yield (
        "Strategies and their best policies are ranked by loss on "
        f"{run.environment.images:,} search images, the winner by its loss after fine-tuning "
        "on the search split."
    )
    if not run.tuned:
        yield "Nothing was fine-tuned, as asked; the winner is the policy of least loss."
    yield from _foreign_widths(run, contenders)
    yield from _unrun(run)
    budget = run.config.budgets[0]
    widest = run.price(run.space.widest)[budget.metric]
    if budget.limit < _ADDITIVE_DOWN_TO * widest:
        yield (
            "The budget is below half of the 8-bit cost. Down there the losses of single layers "
            "no longer add up, so the solver's prediction is too good; the scored policies tell."
        )


def _foreign_widths(run: Delivery, contenders: tuple[Contender, ...]) -> Iterator[str]:
    found = next(row.policy for row in contenders if row.role == "found")
    assert found is not None
    bits = found.layers.values()
    note = widths_note(
        run.subject.costs.target,
        [one.weight_bits for one in bits],
        [one.activation_bits for one in bits],
    )
    if note:
        yield note


def _unrun(run: Delivery) -> Iterator[str]:
    skipped = [name for name in STRATEGIES if not run.state.record(name).steps]
    if skipped:
        yield (
            "The search was ended early, as asked; not run: "
            f"{', '.join(name.replace('_', ' ') for name in skipped)}."
        )
