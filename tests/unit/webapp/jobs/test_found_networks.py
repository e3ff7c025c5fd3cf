"""A network that a search found is the model of a HAQ job: who may use it, and on which data."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from engine.schema.codec import to_json
from engine.schema.cost import Budget
from engine.schema.errors import InvalidConfig
from engine.schema.quantize_config import QuantizeConfig
from engine.schema.results import QuantizeResult
from engine.solver.reach import reach
from tests import search_run
from tests.configs import quantize_config, search_config
from tests.factories import ArtifactFileFactory, JobFactory
from webapp.accounts.models import User
from webapp.jobs import services
from webapp.jobs.found_networks import found_network, found_network_choices
from webapp.jobs.models import Job
from webapp.jobs.results import result_of
from webapp.teams.models import Team
from workers.workdir import write_config

RESULT = search_run.result(search_config())


@pytest.fixture
def search(ada: User, team: Team) -> Job:
    """A finished search with its weights."""
    job = JobFactory(
        team=team,
        owner=ada,
        name="Tiny search",
        kind=Job.Kind.SEARCH,
        model="tiny",
        config=to_json(search_config()),
        succeeded=True,
        result=to_json(RESULT),
    )
    ArtifactFileFactory(job=job, name="checkpoint.safetensors", role="checkpoint")
    ArtifactFileFactory(job=job, name="architecture.json", role="architecture")
    return job


def quantised(search: Job, **changes: Any) -> QuantizeConfig:
    return quantize_config(
        model=f"result:{search.pk}",
        target="counted",
        budgets=(Budget(metric="model_bytes", limit=60_000),),
        **changes,
    )


def test_its_layers_and_architecture_are_the_searchs(search: Job) -> None:
    found = found_network(f"result:{search.pk}", Job.objects.all())

    assert found.spec.layers == RESULT.model.layers
    assert found.architecture.choices == RESULT.contender("found").choices
    assert found.title == "Found by Tiny search"


def test_a_job_that_quantises_it_is_queued_under_the_searchs_name(
    search: Job, ada: User, team: Team
) -> None:
    job = services.submit_job(user=ada, team=team, config=quantised(search))

    assert job.model == f"result:{search.pk}"
    assert job.name == "Tiny search, quantised for counted"


def refused(search: Job, ada: User, team: Team, config: QuantizeConfig | None = None) -> str:
    with pytest.raises(InvalidConfig) as refusal:
        services.submit_job(user=ada, team=team, config=config or quantised(search))
    return str(refusal.value)


def test_another_teams_network_is_not_there(search: Job, cleo: User) -> None:
    assert "not there any more" in refused(search, cleo, cleo.teams.get())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param({"status": Job.Status.FAILED}, "not there any more", id="one that failed"),
        pytest.param({"kind": Job.Kind.QUANTIZE}, "not there any more", id="no search"),
    ],
)
def test_what_found_no_network_is_refused(
    *, search: Job, ada: User, team: Team, change: dict[str, Any], words: str
) -> None:
    Job.objects.filter(pk=search.pk).update(**change)

    assert words in refused(search, ada, team)


@pytest.mark.parametrize("role", ["checkpoint", "architecture"])
def test_a_search_without_its_files_is_refused(
    search: Job, ada: User, team: Team, role: str
) -> None:
    search.artifacts.filter(role=role).delete()

    assert f"has no {role}" in refused(search, ada, team)


def test_other_data_than_it_was_trained_on_is_refused(search: Job, ada: User, team: Team) -> None:
    Job.objects.filter(pk=search.pk).update(dataset="cifar10")

    assert "trained on cifar10" in refused(search, ada, team)


def test_a_name_that_is_no_id_is_refused(search: Job, ada: User, team: Team) -> None:
    config = quantize_config(model="result:../etc")

    assert "is no result" in refused(search, ada, team, config)


def test_the_haq_form_opens_with_the_network_and_its_band(
    client: Client, ada: User, search: Job
) -> None:
    client.force_login(ada)

    answer = client.get(f"/jobs/new/haq/?network={search.pk}")

    assert answer.context["form"].model_id == f"result:{search.pk}"
    assert answer.context["band"].is_met
    assert "Found by Tiny search reaches" in answer.content.decode()


def test_the_form_queues_it(client: Client, ada: User, team: Team, search: Job) -> None:
    client.force_login(ada)
    form = client.get(f"/jobs/new/haq/?network={search.pk}").context["form"]
    bits = [str(bits) for bits in range(2, 9)]
    said = {
        **{name: form.said(name) for name in ("model", "dataset", "target", "metric", "limit")},
        **{"preset": "smoke", "weight_bits": bits, "activation_bits": bits, "team": team.pk},
        **{"granularity": "channel", "clipping": "mse", "seed": 0, "device": "cpu", "threads": 1},
        **{name: form.said(name) for name in ("quantizer", "activations") if name in form.fields},
    }

    client.post("/jobs/new/haq/", said)

    job = Job.objects.exclude(pk=search.pk).get()
    assert job.model == f"result:{search.pk}"


def test_a_stranger_finds_no_such_network(client: Client, cleo: User, search: Job) -> None:
    client.force_login(cleo)

    assert client.get(f"/jobs/new/haq/?network={search.pk}").status_code == 404
    assert "Found by searches" not in client.get("/jobs/new/haq/").content.decode()


def test_the_wanted_network_is_offered_beside_the_newest(search: Job, ada: User) -> None:
    for number in range(21):
        JobFactory(
            team=search.team,
            owner=ada,
            name=f"Later {number}",
            kind=Job.Kind.SEARCH,
            succeeded=True,
            result=to_json(RESULT),
        )
    wanted = f"result:{search.pk}"

    assert wanted not in dict(found_network_choices(Job.objects.all()))
    assert wanted in dict(found_network_choices(Job.objects.all(), wanted=wanted))


def test_a_result_names_its_network_as_the_job_does(search: Job, ada: User, team: Team) -> None:
    from tests import haq_run

    laid_beside = haq_run.result(quantize_config(), scored=2)
    job = JobFactory(
        team=team,
        owner=ada,
        model=f"result:{search.pk}",
        succeeded=True,
        result=to_json(laid_beside),
    )

    result = result_of(job)

    assert isinstance(result, QuantizeResult)
    assert result.model.model == f"result:{search.pk}"


def test_bits_change_what_it_costs(search: Job) -> None:
    from engine.catalog.targets import target_entry
    from engine.cost.pricing import cost_model

    spec = found_network(f"result:{search.pk}", Job.objects.all()).spec
    model = cost_model(target_entry("bismo-cloud"))

    span = reach(spec, model, "latency_ms", (2, 4, 8), (2, 4, 8))

    assert span.lowest < span.highest


def test_lists_name_it_in_words(client: Client, ada: User, search: Job, team: Team) -> None:
    services.submit_job(user=ada, team=team, config=quantised(search))
    client.force_login(ada)

    page = client.get("/jobs/").content.decode()

    assert f"found network {str(search.pk)[:8]}" in page


def test_runs_are_narrowed_by_their_kind(client: Client, ada: User, search: Job) -> None:
    haq = JobFactory(team=search.team, owner=ada)
    client.force_login(ada)

    assert list(client.get("/jobs/?kind=search").context["runs"].page) == [search]
    assert list(client.get("/jobs/?kind=quantize").context["runs"].page) == [haq]


def test_its_files_are_laid_beside_the_config(search: Job, team: Team, tmp_path: Path) -> None:
    path = write_config(tmp_path, quantised(search), team)

    written = json.loads(path.read_text())
    assert written["model"] == f"file:{tmp_path / 'architecture.json'}"
    assert (tmp_path / "architecture.json").read_bytes() == b'{"layers": {}}'
    assert Path(written["checkpoint"]).read_bytes() == b'{"layers": {}}'


def test_a_file_that_was_damaged_in_storage_is_not_used(
    search: Job, team: Team, tmp_path: Path
) -> None:
    search.artifacts.filter(role="checkpoint").update(sha256="0" * 64)

    with pytest.raises(InvalidConfig, match="damaged"):
        write_config(tmp_path, quantised(search), team)
