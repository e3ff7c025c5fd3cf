"""A team's tables of times, and those that somebody looks at before they are kept."""

import uuid

from django.conf import settings
from django.db import models


class DeviceTable(models.Model):
    """A table that a team's jobs can choose as their target. It never changes: its hash names it.

    Lists read the columns alone; the document itself may have megabytes.
    """

    class Host(models.TextChoices):
        CPU = "host-cpu", "This host's CPU"
        GPU = "host-gpu", "This host's CUDA GPU"
        OTHER = "", "Another device"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey("teams.Team", on_delete=models.CASCADE, related_name="tables")
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="tables"
    )
    target = models.CharField(max_length=120)  # `table:<name>@<hash>`, as configs name it
    document = models.JSONField()  # a CostTable
    digest = models.CharField(max_length=64)  # of the document
    # What lists show and choose by, copied from the document.
    title = models.CharField(max_length=200)
    subject = models.CharField(max_length=200, blank=True)  # the space or model it is of
    provenance = models.CharField(max_length=10)
    machine = models.CharField(max_length=300, blank=True)  # what it was measured on
    rows = models.PositiveIntegerField()
    has_grids = models.BooleanField()  # times at each pair of widths
    # Whose times a profile run of this installation measured; a file from outside is no such run.
    host = models.CharField(max_length=10, choices=Host, default=Host.OTHER, blank=True)
    source_job = models.ForeignKey(
        "jobs.Job", on_delete=models.SET_NULL, null=True, blank=True, related_name="tables"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["team", "digest"], name="a_team_has_a_table_of_one_content_once"
            ),
            models.UniqueConstraint(
                fields=["team", "target"], name="a_teams_tables_have_ids_of_their_own"
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def origin(self) -> str:
        """Where it comes from, in one sentence; `made_by` is read for it."""
        where = f"Measured on {self.machine}; " if self.machine else ""
        how = "by a profile run of" if self.host else "uploaded by"
        day = f"{self.created_at:%-d %B %Y}"
        sentence = f"{where}{how} {self.made_by.get_username()}, {day}."
        return sentence[:1].upper() + sentence[1:]


class TableDraft(models.Model):
    """A table that was read and checked, and not kept yet: its maker looks at it first."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey("teams.Team", on_delete=models.CASCADE, related_name="+")
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    file_name = models.CharField(max_length=200)
    document = models.JSONField()  # a CostTable
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.file_name
