"""The Django app `teams`."""

from django.apps import AppConfig


class TeamsConfig(AppConfig):
    """People who share jobs."""

    name = "webapp.teams"
    label = "teams"
    default_auto_field = "django.db.models.BigAutoField"
