"""Keeps an attempt's lease while the engine is at a long step, and hears what people ask."""

import logging
import threading
import time
from typing import Self

from django.conf import settings
from django.db import DatabaseError, connection

from webapp.jobs import services
from webapp.jobs.models import Job

_LISTEN_EVERY_S = 0.5
_RENEWALS_A_LEASE = 6

logger = logging.getLogger(__name__)


class Heartbeat:
    """A thread beside the run; `requested` and `lost` are read by the run's own loop."""

    def __init__(self, job: Job) -> None:
        self.requested = Job.Request.NONE
        self.lost = False
        self._job = job
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name=f"heartbeat {job.pk}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _beat(self) -> None:
        renewed = time.monotonic()
        while not self._over.wait(_LISTEN_EVERY_S):
            due = time.monotonic() - renewed >= settings.LEASE_SECONDS / _RENEWALS_A_LEASE
            try:
                self._listen(renew=due)
            except services.LeaseLost:
                self.lost = True
                break
            except DatabaseError:
                # While the database is away the lease may run out; the next answer will say so.
                logger.exception("The lease of job %s could not be renewed", self._job.pk)
                connection.close()
                continue
            renewed = time.monotonic() if due else renewed
        connection.close()

    def _listen(self, *, renew: bool) -> None:
        ask = services.renew_lease if renew else services.requested_of
        self.requested = ask(self._job.pk, self._job.attempt)
