"""The result of a job as it was delivered, its network under the name the job knows it by."""

from dataclasses import replace

from engine.schema.codec import result_from_json
from engine.schema.results import QuantizeResult, Result
from webapp.jobs.found_networks import is_found_network
from webapp.jobs.models import Job


def result_of(job: Job) -> Result:
    """Return the result of a succeeded job.

    A worker lays a found network beside the config as a file, and the engine names it by that
    file's place, which means nothing elsewhere.
    """
    result = result_from_json(job.result)
    if isinstance(result, QuantizeResult) and is_found_network(job.model):
        return replace(result, model=result.model.named(job.model))
    return result
