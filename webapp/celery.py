"""The producer's view of the queue: broker and task names. A message carries no order."""

import logging

from celery import Celery
from django.conf import settings
from kombu.exceptions import OperationalError

RUN_NEXT_JOB = "workers.run_next_job"
DESCRIBE_MODEL = "workers.describe_model"

logger = logging.getLogger(__name__)


def broker_url(redis_url: str) -> str:
    """Return the address in Celery's spelling, which differs for sockets."""
    if redis_url.startswith("unix://"):
        return "redis+socket://" + redis_url.removeprefix("unix://")
    return redis_url


app = Celery("bespoke")
app.conf.update(
    broker_url=broker_url(settings.REDIS_URL),
    broker_connection_retry_on_startup=True,
    broker_transport_options={"global_keyprefix": "bespoke."},
    accept_content=["json"],
    task_serializer="json",
    task_ignore_result=True,
    result_backend=None,
    task_default_queue="jobs",
    task_publish_retry=False,  # an unreachable broker must not hold up the person's request
    worker_disable_prefetch=True,
    worker_soft_shutdown_timeout=settings.STOP_SECONDS,
    worker_hijack_root_logger=False,
    timezone="UTC",
)


def wake_worker() -> None:
    """Tell the workers that something is queued. Without a broker they find it by looking."""
    _send(RUN_NEXT_JOB)


def ask_for_description(description_id: int) -> None:
    """Ask a worker to describe a model."""
    _send(DESCRIBE_MODEL, description_id)


def _send(name: str, *args: int) -> None:
    try:
        app.send_task(name, args=args)
    except (OperationalError, OSError) as error:
        logger.warning("No broker to send %s to: %s", name, error)
