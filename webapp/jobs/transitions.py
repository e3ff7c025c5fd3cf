"""What a person may ask of a job in each of its states."""

from typing import Literal

from webapp.jobs.models import Job

What = Literal["cancel", "pause", "finish", "resume", "retry"]

_ALLOWED: dict[str, tuple[What, ...]] = {
    Job.Status.QUEUED: ("pause", "cancel"),
    Job.Status.PAUSED: ("resume", "cancel"),
    Job.Status.FAILED: ("retry",),
    Job.Status.CANCELLED: ("retry",),
    Job.Status.SUCCEEDED: (),
}
_SHORTENED = ("searching", "profiling")  # stages that may end early, with what there is by then


def allowed_requests(job: Job) -> tuple[What, ...]:
    """Return what may be asked of a job now."""
    if job.status != Job.Status.RUNNING:
        return _ALLOWED[job.status]
    if job.requested == Job.Request.CANCEL:
        return ()
    if job.requested:
        return ("cancel",)
    # Before the search there is no best policy to keep, and after it nothing to cut short.
    return ("finish", "pause", "cancel") if job.stage in _SHORTENED else ("pause", "cancel")
