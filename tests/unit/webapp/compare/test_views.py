"""The page of a comparison."""

from uuid import uuid4

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from engine.schema.codec import to_json
from tests import haq_run
from tests.configs import quantize_config
from tests.factories import JobFactory
from webapp.accounts.models import User
from webapp.jobs.models import Job
from webapp.teams.models import Team


@pytest.fixture
def as_ada(client: Client, ada: User, team: Team) -> Client:
    client.force_login(ada)
    return client


def finished(
    team: Team, owner: User, *, model: str = "mobilenet_v2_small", **changes: object
) -> Job:
    config = quantize_config(model=model)
    return JobFactory(
        succeeded=True,
        team=team,
        owner=owner,
        model=model,
        config=to_json(config),
        result=to_json(haq_run.result(config, scored=3)),
        **changes,
    )


def address(*jobs: Job, **more: str) -> str:
    ids = "&".join(f"job={job.pk}" for job in jobs)
    return f"/compare/?{ids}" + "".join(f"&{name}={value}" for name, value in more.items())


def test_runs_stand_side_by_side_in_the_order_of_the_url(
    as_ada: Client, ada: User, team: Team
) -> None:
    first, second = finished(team, ada, name="First"), finished(team, ada, name="Second")

    runs = as_ada.get(address(second, first)).context["runs"]

    assert [(run.letter, run.job.name) for run in runs] == [("A", "Second"), ("B", "First")]


def test_one_run_that_one_may_not_see_hides_the_whole_page(
    as_ada: Client, ada: User, team: Team, cleo: User
) -> None:
    own = finished(team, ada)
    foreign = finished(cleo.teams.get(), cleo)

    assert as_ada.get(address(own)).status_code == 200
    assert as_ada.get(address(own, foreign)).status_code == 404


@pytest.mark.parametrize("job", ["nonsense", str(uuid4())])
def test_an_id_that_names_nothing_is_not_found(as_ada: Client, job: str) -> None:
    assert as_ada.get(f"/compare/?job={job}").status_code == 404


def test_without_runs_the_page_says_how_to_choose_some(as_ada: Client) -> None:
    assert "Tick two or more" in as_ada.get("/compare/").content.decode()


@pytest.mark.parametrize("count", [1, 2, 8])
def test_as_many_queries_for_eight_runs_as_for_one(
    as_ada: Client,
    ada: User,
    team: Team,
    count: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    jobs = [finished(team, ada) for _ in range(count)]

    with django_assert_num_queries(4):
        answer = as_ada.get(address(*jobs))

    assert len(answer.context["runs"]) == count


def test_no_more_than_eight_runs_are_shown_and_each_once(
    as_ada: Client, ada: User, team: Team
) -> None:
    jobs = [finished(team, ada) for _ in range(9)]

    runs = as_ada.get(address(jobs[0], *jobs)).context["runs"]

    assert [run.job for run in runs] == jobs[:8]


def test_only_differences_leaves_out_rows_that_agree(as_ada: Client, ada: User, team: Team) -> None:
    jobs = [
        finished(team, ada, preset="smoke"),
        finished(team, ada, preset="balanced"),
    ]

    all_rows = as_ada.get(address(*jobs)).context["groups"]
    some = as_ada.get(address(*jobs, only="differences")).context["groups"]

    assert sum(len(group.rows) for group in some) < sum(len(group.rows) for group in all_rows)
    assert [row.title for group in some for row in group.rows] == ["Preset"]


def test_a_difference_is_marked_in_words(as_ada: Client, ada: User, team: Team) -> None:
    jobs = [finished(team, ada, preset="smoke"), finished(team, ada, preset="balanced")]

    assert as_ada.get(address(*jobs)).content.decode().count("differs</span>") == 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({"dataset": "cifar10"}, "accuracies are not comparable", id="data"),
        pytest.param({"target": "counted"}, "latencies are not comparable", id="target"),
        pytest.param({"model": "resnet20"}, "they are shown apart", id="network"),
    ],
)
def test_what_may_not_be_held_against_each_other_is_said(
    as_ada: Client, ada: User, team: Team, changes: dict[str, str], words: str
) -> None:
    page = as_ada.get(address(finished(team, ada), finished(team, ada, **changes)))

    assert words in page.content.decode()


def test_comparable_runs_carry_no_warning(as_ada: Client, ada: User, team: Team) -> None:
    answer = as_ada.get(address(finished(team, ada), finished(team, ada)))

    assert answer.context["caveats"] == []


def test_a_run_without_a_result_has_its_settings_and_dashes(
    as_ada: Client, ada: User, team: Team
) -> None:
    running = JobFactory(running=True, team=team, owner=ada)

    answer = as_ada.get(address(finished(team, ada), running))

    assert answer.context["caveats"] == ["No result yet: B."]
    assert "Running" in answer.content.decode()


def test_only_runs_without_results_have_no_chart(as_ada: Client, ada: User, team: Team) -> None:
    answer = as_ada.get(address(*(JobFactory(running=True, team=team, owner=ada) for _ in "ab")))

    assert (answer.status_code, answer.context["chart"]) == (200, None)


def test_the_best_is_marked_only_among_comparable_runs(
    as_ada: Client, ada: User, team: Team
) -> None:
    one, same, other = (
        finished(team, ada),
        finished(team, ada),
        finished(team, ada, model="resnet20"),
    )

    assert ">best</span>" in as_ada.get(address(one, same)).content.decode()
    assert ">best</span>" not in as_ada.get(address(one, other)).content.decode()
