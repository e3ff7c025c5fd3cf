"""Reads: who sees which job, and what a page is told of it."""

from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from engine.catalog.models import layer_table
from engine.schema.codec import to_json
from engine.schema.layers import ModelSpec
from tests.factories import JobFactory, TeamFactory
from webapp.accounts.models import User
from webapp.jobs import queries, services
from webapp.jobs.models import Job, ModelDescription
from webapp.teams.models import Team
from webapp.teams.services import add_member

NOON = datetime(2026, 3, 1, 12, tzinfo=timezone.get_default_timezone())


def test_a_job_is_seen_by_its_team_alone(ada: User, ben: User, cleo: User, team: Team) -> None:
    job = JobFactory(team=team, owner=ada)

    seen = {user.username: list(queries.visible_to(user)) for user in (ada, ben, cleo)}

    assert seen == {"ada": [job], "ben": [job], "cleo": []}
    assert not queries.visible_to(AnonymousUser()).exists()


def test_who_shares_two_teams_with_a_job_sees_it_once(ada: User, ben: User, team: Team) -> None:
    other = TeamFactory()
    add_member(other, ada)
    add_member(other, ben)
    job = JobFactory(team=team, owner=ada)

    assert list(queries.visible_to(ben)) == [job]


@pytest.mark.django_db
def test_the_state_of_a_running_job() -> None:
    job = JobFactory(running=True, stage="searching", fraction=0.4, last_seq=7)

    state = queries.job_state(job)

    assert state == {
        "id": str(job.pk),
        "status": "running",
        "status_label": "Running",
        "stage": "searching",
        "requested": "",
        "fraction": 0.4,
        "last_seq": 7,
        "attempt": 1,
        "stalled": False,
        "waiting_for": "",
        "worker": "host:1",
        "error_text": "",
        "is_over": False,
        "allowed": ["finish", "pause", "cancel"],
    }


@pytest.mark.django_db
def test_a_job_past_its_lease_is_stalled() -> None:
    job = JobFactory(running=True, lease_until=NOON)

    before = queries.job_state(job, now=NOON)
    after = queries.job_state(job, now=NOON + timedelta(seconds=1))

    assert (before["stalled"], after["stalled"]) == (False, True)
    assert "fallen silent" in after["waiting_for"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("traits", "words"),
    [
        ({"running": True, "stage": ""}, "Starting the engine"),
        ({"running": True, "requested": "cancel"}, "Cancelling"),
        ({"running": True, "requested": "pause"}, "Pausing"),
        ({"running": True, "requested": "finish"}, "Ending the search"),
        ({"paused": True}, "Resume goes on"),
        ({"succeeded": True}, ""),
        ({"failed": True}, ""),
    ],
)
def test_what_a_job_waits_for_is_a_sentence(traits: dict[str, object], words: str) -> None:
    sentence = queries.job_state(JobFactory(**traits))["waiting_for"]

    assert words in sentence
    assert bool(words) == bool(sentence)


@pytest.mark.django_db
def test_a_queued_job_knows_its_place() -> None:
    jobs = [JobFactory(queued_at=NOON + timedelta(minutes=n)) for n in range(3)]
    services.note_worker("w", slots=1)

    sentences = [queries.job_state(job)["waiting_for"] for job in jobs]

    assert sentences == [
        "A worker takes it in a moment.",
        "Waiting for a free worker: 1 job is ahead.",
        "Waiting for a free worker: 2 jobs are ahead.",
    ]


@pytest.mark.django_db
def test_the_next_in_line_waits_for_the_busy_workers() -> None:
    JobFactory(running=True)
    services.note_worker("w", slots=1)

    assert "Next in line" in queries.job_state(JobFactory())["waiting_for"]


@pytest.mark.django_db
def test_a_worker_not_seen_for_long_is_nothing_to_hope_for() -> None:
    job = JobFactory()
    services.note_worker("w", slots=1, now=NOON)

    soon = queries.job_state(job, now=NOON + timedelta(seconds=10))["waiting_for"]
    late = queries.job_state(job, now=NOON + timedelta(minutes=5))["waiting_for"]

    assert soon == "A worker takes it in a moment."
    assert late == "No worker is running. The job starts as soon as one does."


@pytest.mark.django_db
def test_the_same_search_is_found_within_the_team_once_it_succeeded(team: Team) -> None:
    job = JobFactory(team=team, succeeded=True)
    JobFactory(team=team, failed=True)
    elsewhere = TeamFactory()

    assert queries.same_search(team, job.config_hash) == job
    assert queries.same_search(team, "another hash") is None
    assert queries.same_search(elsewhere, job.config_hash) is None


@pytest.mark.django_db
def test_a_catalogue_model_is_read_from_its_table(django_assert_num_queries) -> None:
    with django_assert_num_queries(0):
        spec = queries.model_spec("mobilenet_v2_small", "fashion-mnist")

    assert isinstance(spec, ModelSpec)
    assert spec.input.channels == 1


@pytest.mark.django_db
def test_another_model_is_what_a_worker_described() -> None:
    table = layer_table("resnet18")
    assert table is not None
    unasked = queries.model_spec("resnet50", "")
    description = services.describe_model("resnet50", "")
    waiting = queries.model_spec("resnet50", "")
    ModelDescription.objects.update(status="ready", spec=to_json(table.named("resnet50")))

    ready = queries.model_spec("resnet50", "")

    assert isinstance(unasked, ModelDescription)
    assert unasked.pk is None
    assert waiting == description
    assert isinstance(ready, ModelSpec)
    assert ready.model == "resnet50"


@pytest.mark.django_db
def test_a_state_costs_three_queries_at_most(django_assert_max_num_queries) -> None:
    job = JobFactory()
    services.note_worker("w", slots=1)
    job = Job.objects.get(pk=job.pk)

    with django_assert_max_num_queries(3):
        queries.job_state(job)
