"""What people ask of a job, in each of its states."""

import pytest

from tests.factories import JobFactory
from webapp.accounts.models import User
from webapp.jobs import services
from webapp.jobs.models import Job
from webapp.jobs.transitions import allowed_requests

STATES = {
    "queued": {},
    "running": {"running": True},
    "preparing": {"running": True, "stage": "preparing"},
    "pausing": {"running": True, "requested": "pause"},
    "finishing": {"running": True, "requested": "finish"},
    "cancelling": {"running": True, "requested": "cancel"},
    "paused": {"paused": True},
    "succeeded": {"succeeded": True},
    "failed": {"failed": True},
    "cancelled": {"cancelled": True},
}
# What each allowed request leads to: the status, and the word left for the worker.
OUTCOMES = {
    ("queued", "cancel"): ("cancelled", ""),
    ("queued", "pause"): ("paused", ""),
    ("running", "cancel"): ("running", "cancel"),
    ("running", "pause"): ("running", "pause"),
    ("running", "finish"): ("running", "finish"),
    ("preparing", "cancel"): ("running", "cancel"),
    ("preparing", "pause"): ("running", "pause"),
    ("pausing", "cancel"): ("running", "cancel"),
    ("finishing", "cancel"): ("running", "cancel"),
    ("paused", "resume"): ("queued", ""),
    ("paused", "cancel"): ("cancelled", ""),
    ("failed", "retry"): ("queued", ""),
    ("cancelled", "retry"): ("queued", ""),
}
REQUESTS = ("cancel", "pause", "finish", "resume", "retry")
REFUSED = [(state, what) for state in STATES for what in REQUESTS if (state, what) not in OUTCOMES]


@pytest.mark.parametrize(("state", "what"), OUTCOMES, ids="-".join)
def test_an_allowed_request_changes_the_job(ada: User, state: str, what) -> None:
    job = JobFactory(**STATES[state])

    changed = services.request(job, what, ada)

    assert (changed.status, changed.requested) == OUTCOMES[state, what]
    assert "ada asked for" in job.events.get().payload["text"]


@pytest.mark.parametrize(("state", "what"), REFUSED, ids="-".join)
def test_any_other_request_is_refused_and_changes_nothing(ada: User, state: str, what) -> None:
    job = JobFactory(**STATES[state])
    before = (job.status, job.requested)

    with pytest.raises(services.RequestRefused, match="cannot take"):
        services.request(job, what, ada)

    job.refresh_from_db()
    assert (job.status, job.requested, job.last_seq) == (*before, 0)


@pytest.mark.parametrize("state", STATES)
def test_what_a_page_offers_is_what_is_allowed(db: None, state: str) -> None:
    job = JobFactory(**STATES[state])

    assert set(allowed_requests(job)) == {what for here, what in OUTCOMES if here == state}


def test_a_retry_forgets_the_failure(ada: User) -> None:
    job = JobFactory(failed=True)

    services.request(job, "retry", ada)

    assert (job.error_class, job.error_text, job.finished_at) == ("", "", None)


def test_a_request_seen_on_an_old_page_meets_the_job_as_it_is_now(ada: User) -> None:
    job = JobFactory()
    stale = Job.objects.get(pk=job.pk)
    services.claim_job(worker="w")

    services.request(stale, "cancel", ada)

    assert (stale.status, stale.requested) == (Job.Status.RUNNING, Job.Request.CANCEL)
