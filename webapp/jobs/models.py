"""A run, its attempts, its log and its files: what is stored and what must be true of it."""

import uuid

from django.conf import settings
from django.db import models


class Job(models.Model):
    """A search that somebody launched. Every change of state goes through services.py."""

    class Kind(models.TextChoices):
        QUANTIZE = "quantize", "HAQ"
        SEARCH = "search", "ProxylessNAS"
        PROFILE = "profile", "Device profile"

    class Status(models.TextChoices):
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        PAUSED = "paused", "Paused"
        SUCCEEDED = "succeeded", "Succeeded"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    class Request(models.TextChoices):
        NONE = "", "Nothing"
        CANCEL = "cancel", "Cancel"
        PAUSE = "pause", "Pause"
        FINISH = "finish", "Stop and keep the best"

    class ErrorClass(models.TextChoices):
        NONE = "", "None"
        USER = "user", "Something to mend in the request"
        BUG = "bug", "A fault of Bespoke"
        INFRASTRUCTURE = "infrastructure", "The machine"

    TERMINAL = (Status.SUCCEEDED, Status.FAILED, Status.CANCELLED)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey("teams.Team", on_delete=models.CASCADE, related_name="jobs")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="jobs"
    )
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=20, choices=Kind)
    config = models.JSONField()
    config_hash = models.CharField(max_length=64)
    # What lists filter and sort by, copied from the config.
    model = models.CharField(max_length=200)
    dataset = models.CharField(max_length=400)
    target = models.CharField(max_length=120)
    # Of a table, which may be gone one day; "": the catalogue has it.
    target_title = models.CharField(max_length=200, blank=True, default="")
    preset = models.CharField(max_length=20, blank=True)
    budget_metric = models.CharField(max_length=30)
    budget_limit = models.FloatField()

    status = models.CharField(max_length=10, choices=Status, default=Status.QUEUED)
    stage = models.CharField(max_length=20, blank=True)
    requested = models.CharField(max_length=10, choices=Request, default=Request.NONE, blank=True)
    priority = models.SmallIntegerField(default=0)
    fraction = models.FloatField(default=0.0)
    attempt = models.PositiveIntegerField(default=0)
    worker = models.CharField(max_length=120, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    last_seq = models.PositiveIntegerField(default=0)

    error_class = models.CharField(max_length=20, choices=ErrorClass, default="", blank=True)
    error_text = models.TextField(blank=True)

    result = models.JSONField(null=True, blank=True)
    found_accuracy = models.FloatField(null=True, blank=True)  # 0-1, report split
    found_cost = models.FloatField(null=True, blank=True)  # of budget_metric

    created_at = models.DateTimeField(auto_now_add=True)
    queued_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["team", "-created_at"], name="jobs_of_a_team_by_age"),
            models.Index(fields=["status", "-priority", "queued_at"], name="jobs_in_queue_order"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(status="running", lease_until__isnull=False)
                | (~models.Q(status="running") & models.Q(lease_until__isnull=True)),
                name="a_job_has_a_lease_while_it_runs",
            ),
            models.CheckConstraint(
                condition=~models.Q(status="succeeded") | models.Q(result__isnull=False),
                name="a_succeeded_job_has_a_result",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_over(self) -> bool:
        """Whether nothing will happen to it any more."""
        return self.status in self.TERMINAL


class Attempt(models.Model):
    """One claim of a job by one worker."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="attempts")
    number = models.PositiveIntegerField()
    worker = models.CharField(max_length=120)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=20, blank=True)  # a status, "lost" or "released"
    logged_bytes = models.PositiveBigIntegerField(default=0)  # of its engine's output

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["job", "number"], name="an_attempt_number_stands_once"),
        ]

    def __str__(self) -> str:
        return f"{self.job} #{self.number}"


class JobEvent(models.Model):
    """One line of a job's log: the truth that every view is made from."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="events")
    seq = models.PositiveIntegerField()
    attempt = models.PositiveIntegerField()
    kind = models.CharField(max_length=40)
    payload = models.JSONField()
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["seq"]
        constraints = [
            models.UniqueConstraint(fields=["job", "seq"], name="an_event_number_stands_once"),
        ]

    def __str__(self) -> str:
        return f"{self.job} {self.seq} {self.kind}"


class ArtifactFile(models.Model):
    """A file a job delivered, in storage under a name of our own making."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="artifacts")
    name = models.CharField(max_length=120)  # what the person's download is called
    role = models.CharField(max_length=20)
    title = models.CharField(max_length=120)
    media_type = models.CharField(max_length=100)
    size = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    storage_name = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["job", "name"], name="a_file_name_stands_once_a_job"),
        ]

    def __str__(self) -> str:
        return self.name


class CheckpointUpload(models.Model):
    """Float weights that a person brought: safetensors, checked before they are kept."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey("teams.Team", on_delete=models.CASCADE, related_name="uploads")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT)
    name = models.CharField(max_length=120)
    size = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    storage_name = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


class ModelDescription(models.Model):
    """The layers of a model outside the catalogue, described once by a worker."""

    class Status(models.TextChoices):
        WAITING = "waiting", "Waiting for a worker"
        READY = "ready", "Ready"
        FAILED = "failed", "Failed"

    model = models.CharField(max_length=200)
    dataset = models.CharField(max_length=400, blank=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.WAITING)
    spec = models.JSONField(null=True, blank=True)
    error_text = models.TextField(blank=True)
    requested_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["model", "dataset"], name="a_model_is_described_once_a_data_set"
            ),
        ]

    def __str__(self) -> str:
        return self.model


class Worker(models.Model):
    """A worker that was seen lately: what a queued job can hope for."""

    name = models.CharField(max_length=120, primary_key=True)
    slots = models.PositiveIntegerField()  # jobs it runs at a time
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name
