"""Folders of runs that nobody came back for: removed from this machine after a while."""

import logging
import shutil
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from webapp.jobs.models import Job

_ASIDE = ".removed-"  # begins the name of a folder that is on its way out

logger = logging.getLogger(__name__)


def remove_old_folders(*, now: datetime | None = None) -> int:
    """Remove the folders of runs that ended long ago, and return how many there were.

    A run that is queued, running or paused keeps its folder however old it is: it goes on from
    the checkpoint in it. One that failed or was cancelled keeps it for RUN_FOLDER_DAYS, and
    begins anew when somebody tries it again later.
    """
    runs = Path(settings.RUNS_DIR)
    oldest = (now or timezone.now()) - timedelta(days=settings.RUN_FOLDER_DAYS)
    removed = [folder for folder, job_id in _folders(runs) if _take_away(folder, job_id, oldest)]
    for aside in runs.glob(f"{_ASIDE}*"):  # those that an earlier, killed purge left too
        shutil.rmtree(aside, ignore_errors=True)
    if removed:
        logger.info("Removed the folders of %d runs that ended long ago", len(removed))
    return len(removed)


def _folders(runs: Path) -> Iterator[tuple[Path, UUID]]:
    """Yield the folders that are named by a job; whatever else lies there is left alone."""
    if not runs.is_dir():
        return
    for folder in sorted(runs.iterdir()):
        try:
            job_id = UUID(folder.name)
        except ValueError:
            continue
        if folder.is_dir() and not folder.is_symlink():
            yield folder, job_id


def _take_away(folder: Path, job_id: UUID, oldest: datetime) -> bool:
    """Move a folder aside if its job ended before a time; one without a job, if it is that old.

    The job's row is held meanwhile: who tries it again waits, and then finds no folder.
    """
    with transaction.atomic():
        job = (
            Job.objects.select_for_update().only("status", "finished_at").filter(pk=job_id).first()
        )
        with suppress(FileNotFoundError):  # another worker on this machine was quicker
            if job is None:
                is_old = folder.stat().st_mtime < oldest.timestamp()
            else:
                is_old = job.is_over and job.finished_at is not None and job.finished_at < oldest
            if is_old:
                folder.rename(folder.with_name(f"{_ASIDE}{folder.name}"))
            return is_old
    return False
