"""A message is a wake-up: who is busy or closing claims nothing, who is not takes all there is."""

import threading
from collections.abc import Iterator

import pytest

from tests.factories import JobFactory
from webapp.jobs import services
from webapp.jobs.models import Job, ModelDescription, Worker
from workers import lookout, tasks

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> list[Job]:
    """The attempts that are run; each ends at once."""
    ran: list[Job] = []

    def run_attempt(job: Job, *, closing: threading.Event) -> None:
        ran.append(job)
        services.fail_job(job.pk, job.attempt, Job.ErrorClass.BUG, "it was only a test")

    monkeypatch.setattr(tasks, "run_attempt", run_attempt)
    return ran


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    messages: list[object] = []
    monkeypatch.setattr(lookout, "wake_worker", lambda: messages.append("wake"))
    monkeypatch.setattr(lookout, "ask_for_description", messages.append)
    return messages


@pytest.fixture
def busy() -> Iterator[None]:
    tasks.slots.acquire()
    yield
    tasks.slots.release()


def test_one_message_runs_all_that_is_queued(run: list[Job]) -> None:
    jobs = [JobFactory(), JobFactory()]

    tasks.run_next_job()

    assert [job.pk for job in run] == [job.pk for job in jobs]
    assert tasks.has_free_slot()


@pytest.mark.usefixtures("busy")
def test_who_is_busy_claims_nothing(run: list[Job]) -> None:
    JobFactory()

    tasks.run_next_job()

    assert run == []


def test_who_is_closing_claims_nothing(run: list[Job], monkeypatch: pytest.MonkeyPatch) -> None:
    JobFactory()
    closing = threading.Event()
    monkeypatch.setattr(tasks, "closing", closing)
    tasks.close()

    tasks.run_next_job()

    assert run == []


def test_a_look_shows_the_worker_and_wakes_it_for_what_is_queued(sent: list[object]) -> None:
    JobFactory()

    lookout.look()

    assert Worker.objects.get().name == tasks.worker_name()
    assert sent == ["wake"]


def test_nothing_queued_wakes_nobody(sent: list[object]) -> None:
    JobFactory(running=True)

    lookout.look()

    assert sent == []


@pytest.mark.usefixtures("busy")
def test_a_busy_worker_is_not_woken(sent: list[object]) -> None:
    JobFactory()

    lookout.look()

    assert sent == []


def test_a_description_nobody_answered_is_asked_for_again(sent: list[object]) -> None:
    fresh = services.describe_model("resnet50", "")
    forgotten = services.describe_model("resnet34", "")
    ModelDescription.objects.filter(pk=forgotten.pk).update(requested_at="2026-01-01T00:00:00Z")

    lookout.look()

    assert sent == [forgotten.pk]
    assert fresh.pk not in sent
