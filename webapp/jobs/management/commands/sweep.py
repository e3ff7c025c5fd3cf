"""`manage.py sweep`: queues again the jobs whose worker fell silent. Idle workers do it too."""

from typing import Any

from django.core.management.base import BaseCommand

from webapp.jobs import services


class Command(BaseCommand):
    """Takes back expired leases."""

    help = "Queue again the jobs whose worker fell silent."

    def handle(self, *_args: object, **_options: Any) -> None:  # Any: options of the command line
        """Take them back and say how many."""
        count = services.requeue_expired_leases()
        self.stdout.write(f"{count} {'job' if count == 1 else 'jobs'} taken back")
