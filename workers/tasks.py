"""The tasks. A message is a wake-up: which job is run is decided by the claim."""

import os
import socket
import threading
from typing import Any

from django.conf import settings

from webapp.jobs import services
from workers import description
from workers.attempt import run_attempt

closing = threading.Event()  # set once, when the worker is asked to end
slots = threading.BoundedSemaphore(settings.WORKER_SLOTS)


def worker_name() -> str:
    """Return what this worker is called in leases and on pages."""
    return f"{socket.gethostname()}:{os.getpid()}"


def run_next_job() -> None:
    """Run queued jobs, the best first, until there is none; return at once where all are busy."""
    if not slots.acquire(blocking=False):
        return  # whoever has the slots looks for more when done
    try:
        while not closing.is_set():
            job = services.claim_job(worker=worker_name())
            if job is None:
                return
            run_attempt(job, closing=closing)
    finally:
        slots.release()


def describe_model(description_id: int) -> None:
    """Have the engine describe a model outside the catalogue."""
    description.describe(description_id)


def has_free_slot() -> bool:
    """Whether a job that is queued now could be run at once."""
    if not slots.acquire(blocking=False):
        return False
    slots.release()
    return True


def close(**_: Any) -> None:  # Any: what the signal carries
    """End the running attempts at their next checkpoint, and claim no more."""
    closing.set()
