"""Several budgets of one ProxylessNAS search: said, refused, drawn, taken up again, answered."""

from dataclasses import replace
from typing import Any

import pytest
from django.test import Client

from engine.catalog.spaces import space_for
from engine.catalog.tables import table_target
from engine.catalog.targets import TARGETS
from engine.schema.codec import config_from_json, to_json
from engine.schema.cost import Budget
from engine.schema.cost_table import BlockRow, KernelPrecision, Timing
from engine.schema.search_config import SearchConfig
from tests import search_run
from tests.configs import search_config
from tests.unit.engine.cost.measured_tables import table_of_space
from tests.unit.webapp.jobs.search_said import form_of, said_by
from tests.unit.webapp.jobs.test_search_views import search_job
from webapp.accounts.models import User
from webapp.charts.quantities import QUANTITIES, percent, write
from webapp.jobs.models import Job
from webapp.jobs.search_form import SearchForm
from webapp.jobs.search_prefill import search_initial
from webapp.teams.models import Team

BUDGETS = (Budget(metric="macs", limit=2e6), Budget(metric="model_bytes", limit=150_000))


@pytest.fixture
def as_ada(client: Client, ada: User, team: Team) -> Client:
    client.force_login(ada)
    return client


def test_limits_beside_the_first_reach_the_job(ada: User, team: Team) -> None:
    job = form_of(ada, team, limit_model_bytes="150").launch()

    assert job is not None
    config = config_from_json(job.config)
    assert isinstance(config, SearchConfig)
    assert config.budgets == BUDGETS
    assert (job.budget_metric, job.budget_limit) == ("macs", 2e6)


def turned_times(row: BlockRow) -> dict[KernelPrecision, Timing]:
    """The slower a block was, the faster."""
    return {one: Timing(median_ms=1.0 / time.median_ms) for one, time in row.times.items()}


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        pytest.param(
            {"limit_model_bytes": "1"}, "limit_model_bytes", "below the lowest", id="too small"
        ),
        pytest.param({"limit_macs": "3"}, "limit_macs", "MACs has its limit above", id="twice"),
        pytest.param(
            {"limit_latency_ms": "3"}, "limit_latency_ms", "has no latency", id="not known"
        ),
        pytest.param({"limit_model_bytes": "a"}, "limit_model_bytes", "a number", id="no number"),
    ],
)
def test_each_limit_is_refused_at_its_own_field(
    *, ada: User, team: Team, changes: dict[str, str], field: str, words: str
) -> None:
    form = form_of(ada, team, **changes)

    assert form.launch() is None
    assert list(form.errors) == [field]
    assert words in " ".join(form.errors[field])
    assert not Job.objects.exists()


def test_budgets_that_contradict_each_other_are_named_with_the_remedy(
    ada: User, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a device where the largest operations are the fastest, small networks are slow."""
    table = table_of_space(space_for("tiny"))
    turned = replace(table, blocks=tuple(replace(r, times=turned_times(r)) for r in table.blocks))
    monkeypatch.setitem(TARGETS, "bench", replace(table_target(turned), id="bench"))
    said = {"target": "bench", "metric": "latency_ms"}
    form = SearchForm(None, user=ada, initial={**said, "space": "tiny"})
    form.band()
    assert form.reaches is not None
    fast, small = form.reaches.of("latency_ms").lowest, form.reaches.of("model_bytes").lowest
    said["limit"] = f"{1.02 * fast:.6g}"

    refused = form_of(ada, team, **said, limit_model_bytes=f"{1.02 * small / 1000:.6g}")

    assert refused.launch() is None
    assert list(refused.errors) == ["limit_model_bytes"]
    (message,) = refused.errors["limit_model_bytes"]
    least = message.split("at least ")[1].split(" kB")[0]
    assert form_of(ada, team, **said, limit_model_bytes=least).is_valid()


def test_a_form_from_an_earlier_run_says_every_budget(ada: User, team: Team) -> None:
    first = form_of(ada, team, limit_model_bytes="150", limit_bit_ops="", pricing_bits="8")
    assert first.is_valid(), first.errors

    initial = {name: str(value) for name, value in search_initial(first.config()).items() if value}
    again = form_of(ada, team, **{**initial, "hardware_strength": ""})

    assert again.is_valid(), again.errors
    assert again.config().budgets == BUDGETS


@pytest.mark.parametrize("target", ["counted", "pixel1", "cortex-m7", "bismo-cloud"])
def test_what_can_be_limited_beside_says_what_can_be_reached(ada: User, target: str) -> None:
    metric = "macs" if target == "counted" else "latency_ms"
    form = SearchForm(None, user=ada, initial={"target": target, "metric": metric})
    form.band()

    rows = form.further_budgets()

    assert {"model_bytes"} < {row.metric for row in rows} | {"macs"}
    assert {row.metric for row in rows} <= set(TARGETS[target].metrics) - {metric}
    assert all(row.span.endswith("can be reached.") for row in rows)
    assert [row.unit for row in rows] == [QUANTITIES[row.metric].form_unit.symbol for row in rows]


def answered(client: Client, team: Team, **said: Any) -> tuple[Any, str]:
    answer = client.get("/jobs/new/proxylessnas/reach/", said_by(team, **said))
    assert answer.status_code == 200
    return answer.context, answer.content.decode().replace("\u202f", " ")


def subject_of(client: Client, team: Team) -> dict[str, str]:
    """What the form's page says of what its limits depend on."""
    return {"subject": answered(client, team)[0]["form"].subject}


def test_a_further_limit_gets_its_band_and_leaves_its_field_alone(
    as_ada: Client, team: Team
) -> None:
    _, page = answered(as_ada, team, **subject_of(as_ada, team), limit_model_bytes="150")

    assert 'id="reach-model_bytes"' in page
    assert "budget 150" in page
    assert 'id="id_limit_model_bytes"' not in page


def test_another_target_starts_further_limits_anew_and_another_metric_keeps_them(
    as_ada: Client, team: Team
) -> None:
    said = {**subject_of(as_ada, team), "limit_model_bytes": "150"}

    other_target, page = answered(as_ada, team, **said, target="pixel1")
    other_metric, _ = answered(as_ada, team, **said, metric="bit_ops", pricing_bits="")

    assert other_target["form"].said("limit_model_bytes") == ""
    assert 'id="further-budgets" hx-swap-oob="true"' in page
    assert other_metric["form"].said("limit_model_bytes") == "150"


def test_a_further_limit_that_was_refused_is_open_to_see(as_ada: Client, team: Team) -> None:
    said = said_by(team, limit_model_bytes="1")

    page = as_ada.post("/jobs/new/proxylessnas/", said).content.decode()

    assert 'id="id_limit_model_bytes_error"' in page
    assert 'data-offer-for="id_limit_model_bytes"' in page
    assert 'further-budgets" open' in page


def test_the_live_page_names_every_budget(as_ada: Client, ada: User, team: Team) -> None:
    job = search_job(team, ada, search_config(budgets=BUDGETS, target="counted"), running=True)

    page = as_ada.get(f"/jobs/{job.pk}/").content.decode().replace("\u202f", " ")

    assert "Best accuracy within MACs ≤ 2.00 M and model size ≤ 150 kB on" in page


def test_the_result_shows_what_was_reached_of_every_budget(
    as_ada: Client, ada: User, team: Team
) -> None:
    config = search_config(budgets=BUDGETS, target="counted")
    result = search_run.result(config)
    job = search_job(team, ada, config, succeeded=True, result=to_json(result))

    answer = as_ada.get(f"/jobs/{job.pk}/")

    page = answer.content.decode().replace("\u202f", " ")
    rows = answer.context["result"].budgets
    found = result.contender(result.found).cost
    assert [row.title for row in rows] == ["MACs", "Model size"]
    assert rows[1].limit == write("model_bytes", 150_000)
    assert rows[1].reached == write("model_bytes", found["model_bytes"])
    assert rows[1].used == percent(found["model_bytes"] / 150_000)
    assert "Within 2.00 M and 150 kB on" in page
    columns = {c.metric: c.is_budget for c in answer.context["result"].networks.columns}
    assert columns["macs"]
    assert columns["model_bytes"]
