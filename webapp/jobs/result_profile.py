"""What the page of a finished profile shows."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse

from engine.catalog.spaces import SPACES
from engine.schema.codec import config_from_json
from engine.schema.cost_table import CostTable
from engine.schema.profile_config import ProfileConfig
from engine.schema.results import ProfileResult
from engine.schema.space_shape import SpaceShape
from webapp.charts.chart import Chart, Table
from webapp.charts.quantities import PROVENANCE_MEANING, percent
from webapp.charts.row_times import row_times_chart
from webapp.charts.sampled_networks import sampled_networks_chart
from webapp.jobs.answer import Answer
from webapp.jobs.kinds import stage_times
from webapp.jobs.models import Job
from webapp.jobs.profile_answer import machine_title, profile_answer
from webapp.jobs.profile_prefill import profile_initial
from webapp.jobs.results import result_of
from webapp.tables.models import DeviceTable

_SNIPPET = """\
# In a checkout of Bespoke, beside the downloaded file:
python -m engine price {model} --target {name}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfilePage:
    """Everything the page of a finished profile draws."""

    answer: Answer
    checks: Table | None  # how sums tell whole networks, by precision
    charts: tuple[Chart, ...]  # the same, network by network
    times: Chart
    machine: tuple[tuple[str, str], ...]
    stored: DeviceTable | None  # as the team's jobs can choose it; None: it was deleted since
    uses: tuple[tuple[str, str], ...]  # words and address of the forms that cut to it
    stages: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    provenances: tuple[tuple[str, str, str], ...]  # word, what it means, validation
    snippet: str


def profile_page(job: Job) -> ProfilePage:
    """Return what the page of a succeeded profile shows."""
    result = result_of(job)
    assert isinstance(result, ProfileResult)  # as the job's kind says
    table = result.table
    checks = table.end_to_end or {}
    stored = DeviceTable.objects.filter(team=job.team_id, target=result.target).first()
    return ProfilePage(
        answer=profile_answer(result),
        checks=_checks(table),
        charts=tuple(sampled_networks_chart(check, one) for one, check in checks.items()),
        times=row_times_chart(table),
        machine=_machine(table),
        stored=stored,
        uses=_uses(job, result.target) if stored else (),
        stages=stage_times(job.kind, result.stage_seconds),
        notes=result.notes,
        provenances=(
            ("measured", PROVENANCE_MEANING["measured"], f"On {machine_title(table)}."),
            ("counted", PROVENANCE_MEANING["counted"], ""),
        ),
        snippet=_snippet(result),
    )


def _checks(table: CostTable) -> Table | None:
    if not table.end_to_end:
        return None
    return Table(
        columns=("Precision", "Networks", "Correction", "R²", "Kendall’s tau", "Mean error"),
        rows=tuple(
            (
                precision,
                str(len(check.networks)),
                f"{check.alpha:.3f} × sum + {check.beta_ms:.4f} ms",
                f"{check.r2:.3f}",
                f"{check.kendall_tau:.2f}",
                percent(check.mean_error),
            )
            for precision, check in table.end_to_end.items()
        ),
    )


def _machine(table: CostTable) -> tuple[tuple[str, str], ...]:
    """Return what the times hold for: another machine or runtime has others."""
    facts = {"Runtime": table.runtime, "Batch": str(table.batch)}
    if table.machine:
        facts = {
            "Accelerator": table.machine.accelerator,
            "Processor": table.machine.processor,
            "Instruction sets": ", ".join(table.machine.features),
            "System": table.machine.system,
            **facts,
        }
    if protocol := table.protocol:
        facts["Protocol"] = (
            f"At least {protocol.warmup_runs} runs and {protocol.warmup_s:g} s of warm-up, then "
            f"at least {protocol.samples} samples and {protocol.sampling_s:g} s; taken again where "
            f"the middle half spreads by more than {protocol.largest_spread:.0%}, rescaled where "
            f"the reference drifts by more than {protocol.largest_drift:.0%}"
        ).replace("%", " %")
    facts["Measured at"] = table.measured_at.replace("T", " ").replace("+00:00", " UTC")
    return tuple((term, text) for term, text in facts.items() if text)


def _uses(job: Job, target: str) -> tuple[tuple[str, str], ...]:
    """Return the forms that can be cut to the table, with what it is of."""
    config = config_from_json(job.config)
    assert isinstance(config, ProfileConfig)  # as the job's kind says
    known = {"target": target}
    initial = profile_initial(config)
    known |= {name: initial[name] for name in ("dataset", "folder") if initial.get(name)}
    if config.subject not in SPACES:
        # Bits do not change times on these machines; they change the size.
        asked = {**known, "metric": "model_bytes", "model": config.subject}
        return (("Quantise a network for it", _address("jobs:new-quantize", asked)),)
    shape = {} if config.shape == SpaceShape() else _shape(initial)
    asked = {**known, "metric": "latency_ms", "space": config.subject, **shape}
    return (("Search a network for it", _address("jobs:new-search", asked)),)


def _shape(initial: dict[str, object]) -> dict[str, str]:
    names = ("width", "widths", "cells", "strides", "stem", "first_block", "feature_mix")
    return {name: str(initial[name]) for name in (*names, "channels") if initial.get(name)}


def _address(name: str, asked: dict[str, str]) -> str:
    return f"{reverse(name)}?{urlencode(asked)}"


def _snippet(result: ProfileResult) -> str:
    names = [artifact.name for artifact in result.artifacts if artifact.role == "table"]
    subject = result.table.subject
    return _SNIPPET.format(
        model=f"space:{subject}" if subject in SPACES else subject,
        name=names[0] if names else "table.json",
    )
