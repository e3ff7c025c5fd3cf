"""Rows for tests. `JobFactory(running=True)` and its like give a job in each of its states."""

from datetime import timedelta
from hashlib import sha256
from typing import Any

import factory
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone
from factory.django import DjangoModelFactory

from engine.catalog.spaces import SPACES
from engine.catalog.tables import table_id
from engine.schema.codec import digest, to_json
from tests.configs import quantize_config
from tests.results import quantize_result
from tests.unit.engine.cost.measured_tables import table_of_space
from webapp.accounts.models import User
from webapp.jobs.models import ArtifactFile, Attempt, Job, JobEvent
from webapp.tables.models import DeviceTable
from webapp.teams.models import Team

PASSWORD = "a password for tests"


class UserFactory(DjangoModelFactory[User]):
    class Meta:
        model = User
        skip_postgeneration_save = True

    username = factory.Sequence(lambda n: f"person{n}")
    email = factory.LazyAttribute(lambda user: f"{user.username}@example.com")

    @factory.post_generation
    def password(self: User, create: bool, _extracted: Any, **_kwargs: Any) -> None:
        self.set_password(PASSWORD)
        if create:
            self.save(update_fields=["password"])


class TeamFactory(DjangoModelFactory[Team]):
    class Meta:
        model = Team

    name = factory.Sequence(lambda n: f"Team {n}")
    slug = factory.Sequence(lambda n: f"team-{n}")


class JobFactory(DjangoModelFactory[Job]):
    class Meta:
        model = Job
        skip_postgeneration_save = True

    class Params:
        episodes = 3
        running = factory.Trait(
            status=Job.Status.RUNNING,
            attempt=1,
            stage="searching",
            worker="host:1",
            lease_until=factory.LazyFunction(lambda: timezone.now() + timedelta(minutes=1)),
            started_at=factory.LazyFunction(timezone.now),
            claimed=factory.RelatedFactory("tests.factories.AttemptFactory", "job"),
        )
        paused = factory.Trait(status=Job.Status.PAUSED, attempt=1)
        failed = factory.Trait(
            status=Job.Status.FAILED,
            attempt=1,
            error_class=Job.ErrorClass.USER,
            error_text="dataset: image 7 cannot be read; replace it",
            finished_at=factory.LazyFunction(timezone.now),
        )
        cancelled = factory.Trait(
            status=Job.Status.CANCELLED, finished_at=factory.LazyFunction(timezone.now)
        )
        succeeded = factory.Trait(
            status=Job.Status.SUCCEEDED,
            attempt=1,
            fraction=1.0,
            finished_at=factory.LazyFunction(timezone.now),
            result=factory.LazyAttribute(
                lambda job: to_json(quantize_result(quantize_config(episodes=job.episodes)))
            ),
            found_accuracy=0.88,
            found_cost=5.0,
        )

    team = factory.SubFactory(TeamFactory)
    owner = factory.SubFactory(UserFactory)
    name = factory.Sequence(lambda n: f"Search {n}")
    kind = Job.Kind.QUANTIZE
    config = factory.LazyAttribute(lambda job: to_json(quantize_config(episodes=job.episodes)))
    config_hash = factory.LazyAttribute(lambda job: digest(quantize_config(episodes=job.episodes)))
    model = "mobilenet_v2_small"
    dataset = "fashion-mnist"
    target = "bismo-cloud"
    preset = "smoke"
    budget_metric = "latency_ms"
    budget_limit = 4.0
    queued_at = factory.LazyFunction(timezone.now)


class AttemptFactory(DjangoModelFactory[Attempt]):
    class Meta:
        model = Attempt

    job = factory.SubFactory(JobFactory, running=True)
    number = 1
    worker = "host:1"
    started_at = factory.LazyFunction(timezone.now)


class JobEventFactory(DjangoModelFactory[JobEvent]):
    class Meta:
        model = JobEvent

    job = factory.SubFactory(JobFactory)
    seq = factory.Sequence(lambda n: n + 1)
    attempt = 1
    kind = "log_line"
    payload = factory.LazyAttribute(
        lambda event: {"kind": event.kind, "text": f"line {event.seq}", "level": "info"}
    )
    created_at = factory.LazyFunction(timezone.now)


class ArtifactFileFactory(DjangoModelFactory[ArtifactFile]):
    """A file that really lies in storage; `content` is its bytes."""

    class Meta:
        model = ArtifactFile

    class Params:
        content = b'{"layers": {}}'

    job = factory.SubFactory(JobFactory, succeeded=True)
    name = "policy.json"
    role = "policy"
    title = "Bit policy"
    media_type = "application/json"
    size = factory.LazyAttribute(lambda file: len(file.content))
    sha256 = factory.LazyAttribute(lambda file: sha256(file.content).hexdigest())
    storage_name = factory.LazyAttribute(
        lambda file: default_storage.save(
            f"artifacts/{file.job.pk}/{file.sha256}", ContentFile(file.content)
        )
    )


class DeviceTableFactory(DjangoModelFactory[DeviceTable]):
    """A team's table; `table` is the cost table that it holds."""

    class Meta:
        model = DeviceTable

    class Params:
        table = factory.LazyFunction(lambda: table_of_space(SPACES["tiny"]))

    team = factory.SubFactory(TeamFactory)
    made_by = factory.SubFactory(UserFactory)
    target = factory.LazyAttribute(lambda row: table_id(row.table))
    document = factory.LazyAttribute(lambda row: to_json(row.table))
    digest = factory.LazyAttribute(lambda row: digest(row.table))
    title = factory.LazyAttribute(lambda row: row.table.title)
    subject = factory.LazyAttribute(lambda row: row.table.subject)
    provenance = factory.LazyAttribute(lambda row: row.table.provenance)
    rows = factory.LazyAttribute(lambda row: row.table.rows)
    has_grids = factory.LazyAttribute(lambda row: bool(row.table.grids))
