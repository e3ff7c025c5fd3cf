"""Which runs are compared, and what stands against comparing them."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from engine.schema.results import ProfileResult, QuantizeResult, SearchResult
from webapp.charts.palette import RUN_MARKS, Mark
from webapp.charts.quantities import metric_title
from webapp.jobs.answer import model_words
from webapp.jobs.models import Job
from webapp.jobs.results import result_of

MOST_RUNS = len(RUN_MARKS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One compared run: the job, its letter and look, and its result if it has one."""

    job: Job
    mark: Mark
    result: QuantizeResult | SearchResult | None  # of a search
    profile: ProfileResult | None = None  # of a run that measured a device

    @property
    def letter(self) -> str:
        """What tables and charts call it."""
        return self.mark.title


def chosen_ids(values: Sequence[str]) -> list[UUID]:
    """Return the ids in a URL, each once, in order, at most as many as one page shows.

    Raises:
        ValueError: one of them is no id.
    """
    return list(dict.fromkeys(UUID(value) for value in values))[:MOST_RUNS]


def runs_of(jobs: Sequence[Job]) -> list[Run]:
    """Return the runs with their letters."""
    return [_run(job, mark) for job, mark in zip(jobs, RUN_MARKS, strict=False)]


def caveats(runs: Sequence[Run]) -> list[str]:
    """Return, in sentences, why numbers of these runs may not be held against each other."""
    sentences = []
    for attribute, words in (
        ("kind", "kinds of run"),
        ("dataset", "data sets: accuracies are not comparable"),
        ("model", "networks: they are shown apart, costs are of different work"),
        ("target", "targets: latencies are not comparable"),
        ("budget_metric", "budgets: one metric is chosen for the chart"),
    ):
        values = sorted({_words(run.job, attribute) for run in runs} - {""})
        if len(values) > 1:
            sentences.append(f"Different {words} ({', '.join(values)}).")
    unfinished = [run.letter for run in runs if run.result is None and run.profile is None]
    if unfinished:
        sentences.append(f"No result yet: {', '.join(unfinished)}.")
    return sentences


def _words(job: Job, attribute: str) -> str:
    if attribute == "kind":
        return job.get_kind_display()
    value = str(getattr(job, attribute))
    if attribute == "target":
        return job.target_title or value
    if attribute == "budget_metric":
        return metric_title(value).lower()
    return model_words(value) if attribute == "model" else value


def are_comparable(runs: Sequence[Run]) -> bool:
    """Whether the numbers of these runs are of the same data, network and device."""
    return len({(run.job.dataset, run.job.model, run.job.target) for run in runs}) <= 1


def _run(job: Job, mark: Mark) -> Run:
    result = result_of(job) if job.status == Job.Status.SUCCEEDED else None
    if isinstance(result, ProfileResult):
        return Run(job=job, mark=mark, result=None, profile=result)
    return Run(job=job, mark=mark, result=result)
