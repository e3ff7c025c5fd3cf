"""What an idle worker does every few seconds: it looks for what no message told it of."""

import logging
import threading
import time
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError, close_old_connections
from django.utils import timezone

from webapp.celery import ask_for_description, wake_worker
from webapp.jobs import services
from webapp.jobs.models import Job, ModelDescription
from webapp.tables.services import drop_old_drafts
from workers import tasks
from workers.purge import remove_old_folders

_ASK_AGAIN_AFTER = timedelta(seconds=15)
_PURGE_EVERY_S = 3600.0

logger = logging.getLogger(__name__)


def start(**_: Any) -> None:  # Any: what the signal carries
    """Begin to look, beside the worker's work."""
    threading.Thread(target=_watch, name="lookout", daemon=True).start()


def look() -> None:
    """Show that this worker is there, take back expired leases, send lost messages again."""
    services.note_worker(tasks.worker_name(), slots=settings.WORKER_SLOTS)
    services.requeue_expired_leases()
    if tasks.has_free_slot() and Job.objects.filter(status=Job.Status.QUEUED).exists():
        wake_worker()
    lost = ModelDescription.objects.filter(
        status=ModelDescription.Status.WAITING, requested_at__lt=timezone.now() - _ASK_AGAIN_AFTER
    )
    for description_id in lost.values_list("pk", flat=True)[: settings.WORKER_SLOTS]:
        ask_for_description(description_id)


def _purge() -> None:
    drop_old_drafts()
    try:
        remove_old_folders()
    except OSError:
        logger.exception("Old folders of runs cannot be removed; the next try is in an hour")


def _watch() -> None:
    purge_at = time.monotonic()
    while True:
        try:
            look()
            if time.monotonic() >= purge_at:
                purge_at = time.monotonic() + _PURGE_EVERY_S
                _purge()
        except DatabaseError:
            logger.exception("The database cannot be read; the next look is in a moment")
        if tasks.closing.wait(settings.LOOKOUT_SECONDS):
            break
        close_old_connections()
    services.forget_worker(tasks.worker_name())
    close_old_connections()
