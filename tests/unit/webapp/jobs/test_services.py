"""What is queued: only what exists and what the team may use."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from engine.catalog.models import layer_table
from engine.schema.codec import config_from_json, digest, to_json
from engine.schema.cost import Budget
from engine.schema.errors import BudgetUnreachable, InvalidConfig
from engine.schema.layers import ModelSpec
from tests.configs import quantize_config
from tests.safetensors_files import weights_of
from webapp.accounts.models import User
from webapp.celery import DESCRIBE_MODEL, RUN_NEXT_JOB, app
from webapp.jobs import services
from webapp.jobs.models import Job, ModelDescription
from webapp.teams.models import Team


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, tuple[int, ...]]]:
    """The messages that leave for the broker."""
    messages: list[tuple[str, tuple[int, ...]]] = []
    monkeypatch.setattr(app, "send_task", lambda name, args: messages.append((name, args)))
    return messages


@pytest.fixture
def spec() -> ModelSpec:
    spec = layer_table("mobilenet_v2_small")
    assert spec is not None
    return spec


def test_a_submitted_job_is_queued_with_what_lists_filter_by(ada: User, team: Team) -> None:
    config = quantize_config()

    job = services.submit_job(user=ada, team=team, config=config, name="First")

    assert (job.status, job.owner, job.team, job.name) == (Job.Status.QUEUED, ada, team, "First")
    assert (job.model, job.dataset, job.target) == (config.model, config.dataset, config.target)
    assert (job.budget_metric, job.budget_limit) == ("latency_ms", 4.0)
    assert job.config_hash == digest(config)
    assert config_from_json(job.config) == config
    assert job.events.get().payload["text"] == "ada queued the job."


def test_a_job_without_a_name_is_called_after_what_it_searches(ada: User, team: Team) -> None:
    job = services.submit_job(user=ada, team=team, config=quantize_config())

    assert job.name == "mobilenet_v2_small on bismo-cloud"


def test_the_queue_is_told_once_the_job_is_saved(
    ada: User,
    team: Team,
    sent: list[tuple[str, tuple[int, ...]]],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        services.submit_job(user=ada, team=team, config=quantize_config())
        assert sent == []

    assert sent == [(RUN_NEXT_JOB, ())]


def test_a_job_is_saved_though_nobody_can_be_told(
    ada: User,
    team: Team,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    tmp_path: Path,
) -> None:
    app.conf.broker_url = f"redis+socket://{tmp_path}/no-server.sock"

    with django_capture_on_commit_callbacks(execute=True):
        job = services.submit_job(user=ada, team=team, config=quantize_config())

    assert Job.objects.get(pk=job.pk).status == Job.Status.QUEUED


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"model": "No such thing!"}, "model", "is no model"),
        ({"dataset": "no-such-set"}, "dataset", "is not known"),
        ({"target": "no-such-device"}, "target", "is not known"),
        ({"dataset": "folder:/etc"}, "dataset", "must lie below"),
        ({"checkpoint": "/etc/passwd"}, "checkpoint", "paths on the server are not read"),
        ({"checkpoint": "upload:nonsense"}, "checkpoint", "is no upload"),
        ({"model": "resnet50"}, "model", "still being described"),
        ({"budgets": (Budget(metric="energy_mj", limit=1.0),)}, "budgets", "energy_mj"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_cannot_run_is_refused_at_its_field(
    ada: User, team: Team, changes: dict[str, object], field: str, words: str
) -> None:
    with pytest.raises(InvalidConfig, match=words) as refusal:
        services.submit_job(user=ada, team=team, config=quantize_config(**changes))

    assert refusal.value.field == field
    assert not Job.objects.exists()


def test_a_budget_below_the_floor_is_refused_with_the_lowest_value(ada: User, team: Team) -> None:
    config = quantize_config(budgets=(Budget(metric="latency_ms", limit=1.0),))

    with pytest.raises(BudgetUnreachable, match=r"1\.99") as refusal:
        services.submit_job(user=ada, team=team, config=config)

    assert refusal.value.lowest == pytest.approx(1.999, abs=0.01)
    assert not Job.objects.exists()


def test_a_link_out_of_the_permitted_folders_is_not_followed(
    ada: User, team: Team, settings: Settings
) -> None:
    root = Path(settings.DATA_FOLDERS[0])
    root.mkdir()
    (root / "link").symlink_to("/etc")

    with pytest.raises(InvalidConfig, match="must lie below"):
        services.submit_job(
            user=ada, team=team, config=quantize_config(dataset=f"folder:{root / 'link'}")
        )


@pytest.fixture
def upload(ada: User, team: Team, spec: ModelSpec) -> Callable[..., object]:
    def upload(content: bytes, **changes: object) -> object:
        file = SimpleUploadedFile("weights.safetensors", content)
        return services.store_upload(**{"user": ada, "team": team, "file": file, **changes})

    return upload


def test_uploaded_weights_can_be_searched_with(
    ada: User, team: Team, spec: ModelSpec, upload: Callable[..., object]
) -> None:
    stored = upload(weights_of(spec), spec=spec)

    job = services.submit_job(
        user=ada, team=team, config=quantize_config(checkpoint=f"upload:{stored.pk}")
    )

    assert job.config["checkpoint"] == f"upload:{stored.pk}"


def test_another_teams_upload_is_refused(
    cleo: User, spec: ModelSpec, upload: Callable[..., object]
) -> None:
    stored = upload(weights_of(spec))

    with pytest.raises(InvalidConfig, match="not there"):
        services.submit_job(
            user=cleo,
            team=cleo.teams.get(),
            config=quantize_config(checkpoint=f"upload:{stored.pk}"),
        )


def test_weights_of_another_network_are_refused_when_the_job_is_submitted(
    ada: User, team: Team, spec: ModelSpec, upload: Callable[..., object]
) -> None:
    stored = upload(weights_of(replace(spec, layers=spec.layers[:3])))

    with pytest.raises(InvalidConfig, match="has no tensor"):
        services.submit_job(
            user=ada, team=team, config=quantize_config(checkpoint=f"upload:{stored.pk}")
        )


def test_a_pickle_is_refused_and_not_kept(
    upload: Callable[..., object], settings: Settings
) -> None:
    with pytest.raises(InvalidConfig, match="pickle"):
        upload(b"PK\x03\x04" + bytes(100))

    assert not Path(settings.MEDIA_ROOT).exists()


def test_an_upload_past_the_limit_is_refused(
    spec: ModelSpec, upload: Callable[..., object], settings: Settings
) -> None:
    settings.UPLOAD_LIMIT_MB = 1

    with pytest.raises(InvalidConfig, match="at most 1 MiB"):
        upload(weights_of(spec) + bytes(2**20))


def test_an_upload_lies_under_a_name_of_our_own(spec: ModelSpec, ada: User, team: Team) -> None:
    file = SimpleUploadedFile("../../evil.safetensors", weights_of(spec))

    stored = services.store_upload(user=ada, team=team, file=file)

    assert stored.storage_name == f"uploads/{stored.pk}.safetensors"
    assert stored.name == "evil.safetensors"


def test_a_model_is_asked_for_once(
    db: None,
    sent: list[tuple[str, tuple[int, ...]]],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        first = services.describe_model("resnet50", "cifar10")
        again = services.describe_model("resnet50", "cifar10")

    assert first.pk == again.pk
    assert sent == [(DESCRIBE_MODEL, (first.pk,))]


def test_a_description_that_failed_is_asked_for_again(
    db: None,
    sent: list[tuple[str, tuple[int, ...]]],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    description = services.describe_model("resnet50", "")
    ModelDescription.objects.update(status="failed", error_text="no")

    with django_capture_on_commit_callbacks(execute=True):
        again = services.describe_model("resnet50", "")

    assert (again.pk, again.status, again.error_text) == (description.pk, "waiting", "")
    assert sent == [(DESCRIBE_MODEL, (description.pk,))]


def test_a_described_model_is_admissible(ada: User, team: Team, spec: ModelSpec) -> None:
    description = services.describe_model("resnet50", "fashion-mnist")
    ModelDescription.objects.filter(pk=description.pk).update(
        status="ready", spec=to_json(spec.named("resnet50"))
    )

    job = services.submit_job(user=ada, team=team, config=quantize_config(model="resnet50"))

    assert job.model == "resnet50"
