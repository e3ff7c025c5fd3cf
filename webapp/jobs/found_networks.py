"""Networks that searches found, as models of further jobs: `result:<id of the search>`."""

from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from django.db.models import QuerySet

from engine.schema.architecture import Architecture
from engine.schema.codec import from_json
from engine.schema.errors import InvalidConfig
from engine.schema.layers import ModelSpec
from engine.schema.results import SearchResult
from webapp.jobs.models import ArtifactFile, Job

RESULT_PREFIX = "result:"
_MOST_OFFERED = 20
_CHOICE = ("pk", "name", "dataset")


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundNetwork:
    """A network that a search delivered, with its trained weights."""

    job: Job
    architecture: Architecture
    spec: ModelSpec

    @property
    def id(self) -> str:
        """How a config names it."""
        return f"{RESULT_PREFIX}{self.job.pk}"

    @property
    def title(self) -> str:
        """What people call it."""
        return f"Found by {self.job.name}"

    def file(self, role: str) -> ArtifactFile:
        """Return a file that the search delivered: its "checkpoint" or its "architecture".

        Raises:
            InvalidConfig: there is none.
        """
        file = self.job.artifacts.filter(role=role).first()
        if file is None:
            raise InvalidConfig("model", f"{self.job.name} has no {role} any more; search again")
        return file


def is_found_network(model_id: str) -> bool:
    """Whether a model's id names the network of a search."""
    return model_id.startswith(RESULT_PREFIX)


def found_network(model_id: str, jobs: QuerySet[Job]) -> FoundNetwork:
    """Return the network that one of these jobs found.

    Raises:
        InvalidConfig: none of them has that id, or it has found none.
    """
    try:
        job_id = UUID(model_id.removeprefix(RESULT_PREFIX))
    except ValueError:
        raise InvalidConfig("model", f"{model_id!r} is no result; choose a network") from None
    job = jobs.filter(pk=job_id, kind=Job.Kind.SEARCH, status=Job.Status.SUCCEEDED).first()
    if job is None:
        raise InvalidConfig("model", "that search is not there any more; choose another network")
    result = from_json(SearchResult, job.result)
    choices = result.contender(result.found).choices
    if choices is None:
        raise InvalidConfig("model", f"{job.name} found no network of its own; choose another")
    return FoundNetwork(
        job=job,
        architecture=Architecture(space=result.space, choices=choices),
        spec=result.model.named(model_id),
    )


def fitted_network(model_id: str, dataset_id: str, jobs: QuerySet[Job]) -> FoundNetwork:
    """Return a found network for the data it was trained on.

    Raises:
        InvalidConfig: as above, or the data set is another.
    """
    found = found_network(model_id, jobs)
    if found.job.dataset != dataset_id:
        raise InvalidConfig(
            "dataset",
            f"this network was searched and trained on {found.job.dataset}; choose that data set",
        )
    return found


def found_network_choices(jobs: QuerySet[Job], *, wanted: str = "") -> list[tuple[str, str]]:
    """Return the newest networks that these jobs found, and the wanted one, as a form's choices."""
    found = jobs.filter(kind=Job.Kind.SEARCH, status=Job.Status.SUCCEEDED)
    rows = list(found.order_by("-finished_at").values_list(*_CHOICE)[:_MOST_OFFERED])
    choices = [(f"{RESULT_PREFIX}{pk}", f"{name}, {dataset}") for pk, name, dataset in rows]
    if is_found_network(wanted) and wanted not in dict(choices):
        with suppress(InvalidConfig):
            one = found_network(wanted, jobs)
            choices.append((one.id, f"{one.job.name}, {one.job.dataset}"))
    return choices
