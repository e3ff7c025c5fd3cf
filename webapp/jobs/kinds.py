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
    ),
}


def stage_times(kind: str, seconds: Mapping[str, float]) -> tuple[tuple[str, str], ...]:
    """Return how long each stage of a run took, in words."""
    titles = KINDS[kind].stages
    return tuple((titles.get(stage, stage), duration(spent)) for stage, spent in seconds.items())
