"""The doorbell: it says that a job has news, never what. The news is in the job's log."""

import logging
from uuid import UUID

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import transaction
from redis.exceptions import RedisError

ADVANCED = "job.advanced"

logger = logging.getLogger(__name__)


def group(job_id: UUID) -> str:
    """Return the name of the group that watches a job."""
    return f"job.{job_id}"


def ring_on_commit(job_id: UUID) -> None:
    """Ring once what was written can be read."""
    transaction.on_commit(lambda: ring(job_id), robust=True)


def ring(job_id: UUID) -> None:
    """Ring now. Nobody hears it without a channel layer; who watches looks by itself as well."""
    layer = get_channel_layer()
    if layer is None:
        return
    try:
        async_to_sync(layer.group_send)(group(job_id), {"type": ADVANCED})
    except (RedisError, OSError) as error:
        logger.warning("No doorbell for job %s: %s", job_id, error)
