"""How each kind of job is spoken of: the stages it goes through, and the form that launches it."""

from collections.abc import Mapping
from dataclasses import dataclass

from webapp.charts.quantities import duration
from webapp.jobs.models import Job


@dataclass(frozen=True, slots=True, kw_only=True)
class KindWords:
    """The words of one kind of job."""

    form: str  # the URL name of its form
    stages: Mapping[str, str]  # titles, in the order of a run
    finish: str = "Stop and keep the best"
    finishing: str = "Ending the search: the best so far is trained and exported."
    if_cancelled: str = (
        "The search stops and delivers nothing. To keep what it has found, use “Stop and keep the "
        "best” while it searches."
    )


KINDS: dict[str, KindWords] = {
    Job.Kind.QUANTIZE: KindWords(
        form="jobs:new-quantize",
        stages={
            "preparing": "Preparing",
            "training": "Training",
            "sensitivity": "Sensitivity",
            "searching": "Searching",
            "finetuning": "Fine-tuning",
            "exporting": "Exporting",
        },
    ),
    Job.Kind.SEARCH: KindWords(
        form="jobs:new-search",
        stages={
            "preparing": "Preparing",
            "training": "Warm-up",
            "searching": "Searching",
            "finetuning": "Training the networks",
            "exporting": "Exporting",
        },
    ),
    Job.Kind.PROFILE: KindWords(
        form="jobs:new-profile",
        stages={"profiling": "Measuring"},
        finish="Stop and keep the times",
        finishing="Ending: what was measured becomes the table.",
        if_cancelled="The measuring stops and no table comes of it. To keep the times of what was "
        "measured, use “Stop and keep the times”.",
    ),
}


def stage_times(kind: str, seconds: Mapping[str, float]) -> tuple[tuple[str, str], ...]:
    """Return how long each stage of a run took, in words."""
    titles = KINDS[kind].stages
    return tuple((titles.get(stage, stage), duration(spent)) for stage, spent in seconds.items())
