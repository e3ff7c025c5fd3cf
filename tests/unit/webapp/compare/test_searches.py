"""Searches side by side, alone and beside HAQ runs."""

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from engine.schema.architecture import SearchSpace
from engine.schema.codec import to_json
from engine.schema.cost import Budget
from engine.schema.search_config import SearchConfig
from engine.schema.space_shape import SpaceShape
from tests import haq_run, search_run
from tests.configs import quantize_config, search_config
from tests.factories import JobFactory
from webapp.accounts.models import User
from webapp.compare.architectures import architecture_strips
from webapp.compare.selection import runs_of
from webapp.jobs.models import Job
from webapp.teams.models import Team


@pytest.fixture
def as_ada(client: Client, ada: User, team: Team) -> Client:
    client.force_login(ada)
    return client


def search(team: Team, owner: User, config: SearchConfig, **changes: object) -> Job:
    return JobFactory(
        succeeded=True,
        team=team,
        owner=owner,
        kind=Job.Kind.SEARCH,
        model=config.space,
        target=config.target,
        budget_metric=config.budgets[0].metric,
        budget_limit=config.budgets[0].limit,
        config=to_json(config),
        result=to_json(search_run.result(config)),
        **changes,
    )


LOOSE, TIGHT = (
    search_config(budgets=(Budget(metric="macs", limit=limit),)) for limit in (4e6, 1.5e6)
)


def address(*jobs: Job) -> str:
    return "/compare/?" + "&".join(f"job={job.pk}" for job in jobs)


def test_two_searches_have_their_networks_one_under_the_other(
    as_ada: Client, ada: User, team: Team
) -> None:
    jobs = [search(team, ada, config) for config in (LOOSE, TIGHT)]

    answer = as_ada.get(address(*jobs))

    (strip,) = answer.context["architectures"]
    space: SearchSpace = search_run.searched(LOOSE)
    assert [row.letter for row in strip.rows] == ["A", "B"]
    assert {len(row.cells) for row in strip.rows} == {len(space.blocks)}
    assert strip.difference_count > 0
    assert "Networks found in Tiny" in answer.content.decode()


def test_the_same_network_twice_differs_nowhere(ada: User, team: Team) -> None:
    runs = runs_of([search(team, ada, LOOSE), search(team, ada, LOOSE)])

    (strip,) = architecture_strips(runs)

    assert strip.difference_count == 0


def test_differences_do_not_depend_on_the_order(ada: User, team: Team) -> None:
    jobs = [search(team, ada, config) for config in (LOOSE, TIGHT)]

    (one,), (other,) = (architecture_strips(runs_of(each)) for each in (jobs, jobs[::-1]))

    assert one.differing == other.differing


def test_spaces_of_other_blocks_stand_apart(ada: User, team: Team) -> None:
    other = search_config(space="cifar-mobile", budgets=(Budget(metric="macs", limit=2e8),))

    strips = architecture_strips(runs_of([search(team, ada, LOOSE), search(team, ada, other)]))

    assert len(strips) == 2


def test_a_space_in_another_shape_stands_apart_and_is_called_by_it(
    as_ada: Client, ada: User, team: Team
) -> None:
    wider = search_config(
        shape=SpaceShape(widths=(24, 48, 96)), budgets=(Budget(metric="macs", limit=4e6),)
    )
    jobs = [search(team, ada, LOOSE), search(team, ada, wider)]

    answer = as_ada.get(address(*jobs))

    assert [strip.title for strip in answer.context["architectures"]] == [
        "Tiny (grey, 32 px)",
        "Tiny (grey, 32 px), stages 24–48–96 wide",
    ]
    rows = {row.title: row for group in answer.context["groups"] for row in group.rows}
    assert rows["Network or space"].differs


def test_a_search_stands_beside_a_haq_run(as_ada: Client, ada: User, team: Team) -> None:
    config = quantize_config()
    haq = JobFactory(
        succeeded=True, team=team, owner=ada, result=to_json(haq_run.result(config, scored=3))
    )
    nas = search(team, ada, LOOSE)

    answer = as_ada.get(address(haq, nas))

    rows = {row.title: row for group in answer.context["groups"] for row in group.rows}
    assert [cell.text for cell in rows["Kind"].cells] == ["HAQ", "ProxylessNAS"]
    assert all(cell.text != "–" for cell in rows["Accuracy as delivered"].cells)
    assert all(cell.text != "–" for cell in rows["MACs"].cells)
    assert rows["Found by"].cells[1].text == "ProxylessNAS"
    assert "Different kinds of run (HAQ, ProxylessNAS)." in answer.context["caveats"]
    names = [trace["name"] for trace in answer.context["chart"].figure["data"]]
    assert [name.split(":")[0] for name in names[::2]] == ["A", "B"]
    assert len(answer.context["strips"]) == len(answer.context["architectures"]) == 1


def test_the_page_takes_as_many_queries_for_many_runs(
    as_ada: Client, ada: User, team: Team, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    jobs = [search(team, ada, LOOSE) for _ in range(4)]

    for count in (1, 4):
        with django_assert_num_queries(4):
            as_ada.get(address(*jobs[:count]))
