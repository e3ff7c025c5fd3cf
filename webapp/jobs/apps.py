"""The Django app `jobs`."""

from django.apps import AppConfig


class JobsConfig(AppConfig):
    """Runs, their logs and their files."""

    name = "webapp.jobs"
    label = "jobs"
    default_auto_field = "django.db.models.BigAutoField"
