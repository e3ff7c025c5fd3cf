"""The Django app `tables`."""

from django.apps import AppConfig


class TablesConfig(AppConfig):
    """Tables of times that teams brought or measured."""

    name = "webapp.tables"
    label = "tables"
    default_auto_field = "django.db.models.BigAutoField"
