"""The HAQ form: a person's words to a config, every error at the field it speaks of."""

from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict
from pytest_django import Settings

from engine.catalog.models import layer_table
from engine.catalog.presets import QUANTIZE_PRESETS
from engine.schema.codec import config_from_json, digest
from engine.schema.quantize_config import QuantizeConfig
from tests.factories import JobFactory
from tests.safetensors_files import weights_of
from tests.unit.webapp.jobs.said import said_by
from webapp.accounts.models import User
from webapp.charts.reach_band import ReachBand
from webapp.jobs import services
from webapp.jobs.forms import QuantizeForm
from webapp.jobs.models import CheckpointUpload, Job, ModelDescription
from webapp.jobs.prefill import initial_from
from webapp.teams.models import Team


@pytest.fixture
def said(team: Team) -> dict[str, Any]:
    return said_by(team)


def form_of(said: dict[str, Any], user: User, **changes: Any) -> QuantizeForm:
    file = changes.pop("checkpoint", None)
    data = QueryDict(mutable=True)
    for name, value in {**said, **changes}.items():
        data.setlist(name, value if isinstance(value, list) else [value])
    files = MultiValueDict({"checkpoint": [file]} if file else {})
    return QuantizeForm(data, files, user=user)


def test_what_is_said_becomes_the_config(said: dict[str, Any], ada: User) -> None:
    form = form_of(said, ada, limit="4.25", seed="7", weight_bits=["2", "4", "8"])

    assert form.is_valid(), form.errors
    config = form.config()
    assert (config.model, config.dataset, config.target) == (
        "mobilenet_v2_small",
        "fashion-mnist",
        "bismo-cloud",
    )
    assert [(b.metric, b.limit) for b in config.budgets] == [("latency_ms", 4.25)]
    assert config.weight_bits == (2, 4, 8)
    assert config.seed == 7
    assert config.preset == "smoke"
    assert config.effort == QUANTIZE_PRESETS["smoke"].effort


def test_a_limit_is_taken_in_the_unit_it_is_shown_in(said: dict[str, Any], ada: User) -> None:
    form = form_of(said, ada, target="counted", metric="model_bytes", limit="260")

    assert form.is_valid(), form.errors
    assert form.config().budgets[0].limit == 260_000


def test_an_effort_that_differs_from_its_preset_is_called_custom(
    said: dict[str, Any], ada: User
) -> None:
    form = form_of(said, ada, episodes="5")

    assert form.is_valid(), form.errors
    assert form.config().preset == "custom"
    assert form.config().effort.episodes == 5
    assert form.config().effort.evaluations == QUANTIZE_PRESETS["smoke"].effort.evaluations


def test_a_launched_job_is_queued_as_the_form_says(said: dict[str, Any], ada: User) -> None:
    job = form_of(said, ada, name="First").launch()

    assert job is not None
    assert (job.status, job.name, job.owner) == (Job.Status.QUEUED, "First", ada)


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        pytest.param(
            {"model": "other", "model_other": "../etc/passwd"},
            "model_other",
            "is no model",
            id="a name no model can have",
        ),
        pytest.param(
            {"model": "other", "model_other": "resnet20@0.5"},
            "model_other",
            "has no width to choose",
            id="a width where there is none",
        ),
        pytest.param(
            {"model": "other", "model_other": ""}, "model_other", "is no model", id="no name"
        ),
        pytest.param(
            {"dataset": "cifar10"}, "dataset", "is not on this machine", id="data that is absent"
        ),
        pytest.param({"limit": "0.5"}, "limit", "nearest that works is", id="below the floor"),
        pytest.param({"limit": "50"}, "limit", "nearest that works is", id="above all"),
        pytest.param({"limit": ""}, "limit", "required", id="no limit"),
        pytest.param(
            {"target": "counted"}, "metric", "has no latency", id="a metric the target lacks"
        ),
        pytest.param({"episodes": "0"}, "episodes", "at least 1, got 0", id="zero episodes"),
        pytest.param({"evaluations": "0"}, "evaluations", "at least 1, got 0", id="nothing scored"),
        pytest.param(
            {"score_images": "1"}, "score_images", "at least 16 images, got 1", id="one image"
        ),
        pytest.param(
            {"finetune_epochs": "-1"}, "finetune_epochs", "not be negative", id="minus one epoch"
        ),
        pytest.param({"weight_bits": []}, "weight_bits", "required", id="no width"),
        pytest.param({"weight_bits": ["9"]}, "weight_bits", "valid choice", id="nine bits"),
        pytest.param({"seed": "-1"}, "seed", "lie in 0", id="a negative seed"),
        pytest.param({"threads": "0"}, "threads", "at least 1", id="no thread"),
        pytest.param(
            {"policies_at_once": "3", "threads": "2"},
            "policies_at_once",
            "at most the CPU threads, 2",
            id="more policies than threads",
        ),
        pytest.param({"model": "nonsense"}, "model", "valid choice", id="no such choice"),
    ],
)
def test_each_error_stands_at_its_field(
    said: dict[str, Any], ada: User, changes: dict[str, Any], field: str, words: str
) -> None:
    form = form_of(said, ada, **changes)

    assert form.launch() is None
    assert words in " ".join(form.errors[field])
    assert list(form.errors) == [field]
    assert not Job.objects.exists()


def test_errors_at_several_fields_are_all_shown_at_once(said: dict[str, Any], ada: User) -> None:
    form = form_of(said, ada, limit="0.5", episodes="0", seed="")

    assert not form.is_valid()
    assert set(form.errors) == {"limit", "episodes", "seed"}
    assert form.has_advanced_errors


def test_the_offered_limit_is_accepted(said: dict[str, Any], ada: User) -> None:
    refused = form_of(said, ada, limit="0.5")
    band = refused.band()

    assert isinstance(band, ReachBand)
    assert band.offer
    assert form_of(said, ada, limit=band.offer).is_valid()


def folder(root: Path, **classes: int) -> str:
    for name, count in classes.items():
        (root / name).mkdir(parents=True)
        for number in range(count):
            (root / name / f"{number}.png").write_bytes(b"")
    return str(root)


@pytest.mark.parametrize(
    ("classes", "words"),
    [
        pytest.param({}, "here is no folder", id="no folder"),
        pytest.param({"shoes": 20}, "has 1 class folders", id="one class"),
        pytest.param({"shoes": 20, "bags": 1}, "has 1 images", id="one image"),
    ],
)
def test_a_folder_that_is_no_data_set_is_refused_at_its_field(
    said: dict[str, Any], ada: User, tmp_path: Path, classes: dict[str, int], words: str
) -> None:
    path = folder(tmp_path / "data" / "own", **classes)

    form = form_of(said, ada, dataset="folder", folder=path)

    assert form.launch() is None
    assert words in form.errors["folder"][0]


def test_a_folder_without_classes_is_refused_at_its_field(
    said: dict[str, Any], ada: User, tmp_path: Path
) -> None:
    own = tmp_path / "data" / "own"
    own.mkdir(parents=True)

    form = form_of(said, ada, dataset="folder", folder=str(own))

    assert form.launch() is None
    assert "has 0 class folders" in form.errors["folder"][0]


def test_a_folder_of_classes_is_taken(said: dict[str, Any], ada: User, tmp_path: Path) -> None:
    path = folder(tmp_path / "data" / "own", shoes=20, bags=20)

    form = form_of(said, ada, dataset="folder", folder=path)

    assert form.is_valid(), form.errors
    assert form.config().dataset == f"folder:{path}"


def test_a_folder_outside_the_permitted_ones_is_refused(
    said: dict[str, Any], ada: User, tmp_path: Path
) -> None:
    path = folder(tmp_path / "elsewhere", shoes=20, bags=20)

    form = form_of(said, ada, dataset="folder", folder=path)

    assert form.launch() is None
    assert "must lie below" in form.errors["folder"][0]


def test_data_that_only_workers_have_is_not_refused_here(
    said: dict[str, Any], ada: User, settings: Settings
) -> None:
    settings.EMBEDDED = False

    form = form_of(said, ada, dataset="cifar10")

    assert form.is_valid(), form.errors


def own_weights(name: str = "weights.safetensors", model: str = "mobilenet_v2_small") -> Any:
    spec = layer_table(model)
    assert spec is not None
    return SimpleUploadedFile(name, weights_of(spec))


def test_weights_that_fit_are_kept_and_named_by_the_config(said: dict[str, Any], ada: User) -> None:
    job = form_of(said, ada, checkpoint=own_weights()).launch()

    assert job is not None
    upload = CheckpointUpload.objects.get()
    assert job.config["checkpoint"] == f"upload:{upload.pk}"


@pytest.mark.parametrize(
    ("file", "words"),
    [
        pytest.param(
            SimpleUploadedFile("w.safetensors", b"\x80\x04\x95" + b"\x00" * 40),
            "pickle",
            id="a pickle in disguise",
        ),
        pytest.param(
            SimpleUploadedFile("w.safetensors", b"PK\x03\x04" + b"\x00" * 40),
            "pickle",
            id="a PyTorch archive",
        ),
        pytest.param(
            SimpleUploadedFile("w.safetensors", b"hello"), "no safetensors file", id="some bytes"
        ),
    ],
)
def test_a_file_that_is_no_safetensors_is_refused_at_its_field(
    said: dict[str, Any], ada: User, file: SimpleUploadedFile, words: str
) -> None:
    file.seek(0)

    form = form_of(said, ada, checkpoint=file)

    assert form.launch() is None
    assert words in form.errors["checkpoint"][0]
    assert not CheckpointUpload.objects.exists()


def test_weights_of_another_network_are_refused_at_their_field(
    said: dict[str, Any], ada: User
) -> None:
    form = form_of(said, ada, checkpoint=own_weights(model="resnet20"))

    assert form.launch() is None
    assert "mobilenet_v2_small needs" in form.errors["checkpoint"][0]


def test_a_model_outside_the_catalogue_is_described_first(said: dict[str, Any], ada: User) -> None:
    form = form_of(said, ada, model="other", model_other="mobilenet_v3_small")

    assert form.launch() is None
    assert "being described" in form.errors["model_other"][0]
    assert ModelDescription.objects.get().model == "mobilenet_v3_small"


def test_a_model_that_cannot_be_described_says_why_at_its_field(
    said: dict[str, Any], ada: User
) -> None:
    description = services.describe_model("no_such_net", "fashion-mnist")
    ModelDescription.objects.filter(pk=description.pk).update(
        status=ModelDescription.Status.FAILED, error_text="torchvision has no 'no_such_net'"
    )

    form = form_of(said, ada, model="other", model_other="no_such_net")

    assert form.launch() is None
    assert "has no 'no_such_net'" in form.errors["model_other"][0]


def test_the_same_search_is_not_queued_twice(said: dict[str, Any], ada: User, team: Team) -> None:
    config = form_of(said, ada)
    assert config.is_valid()
    earlier = JobFactory(succeeded=True, team=team, owner=ada, config_hash=digest(config.config()))

    again = form_of(said, ada)

    assert again.launch() is None
    assert again.duplicate == earlier
    assert form_of(said, ada, seed="1").launch() is not None


def test_a_team_one_is_not_in_cannot_be_named(said: dict[str, Any], ada: User, cleo: User) -> None:
    strangers = cleo.teams.get()

    form = form_of(said, ada, team=str(strangers.pk))

    assert form.launch() is None
    assert "team" in form.errors


def test_an_earlier_runs_settings_come_back_as_the_same_config(
    said: dict[str, Any], ada: User, team: Team
) -> None:
    first = form_of(said, ada, metric="bit_ops", limit="70", episodes="9", seed="3")
    assert first.is_valid(), first.errors

    initial = initial_from(first.config())
    again = form_of({"team": str(team.pk)}, ada, **{k: _typed(v) for k, v in initial.items()})

    assert again.is_valid(), again.errors
    assert again.config() == first.config()


def _typed(value: Any) -> Any:
    return value if isinstance(value, list) else str(value)


def test_the_first_limit_is_what_uniform_four_bit_costs(ada: User, team: Team) -> None:
    band = QuantizeForm(None, user=ada).band()

    assert isinstance(band, ReachBand)
    four = next(tick for tick in band.ticks if tick.label == "4-bit")
    assert band.limit == pytest.approx(float(four.value.split("\u202f")[0]), rel=2e-3)
    assert band.is_met


def test_a_config_is_read_back_from_the_job(said: dict[str, Any], ada: User) -> None:
    job = form_of(said, ada).launch()

    assert job is not None
    assert isinstance(config_from_json(job.config), QuantizeConfig)
