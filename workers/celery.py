"""The consumer's view of the queue: `celery -A workers worker`.

Threads do, since each job's work is in a process of its own, and one process is left to kill.
One more thread than jobs: a model is described while all the others run for hours.
"""

import os

import django
from celery.signals import worker_ready, worker_shutting_down

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")
django.setup()

# Only now: the tasks' models need the apps that the line above loaded.
from django.conf import settings  # noqa: E402

from webapp.celery import DESCRIBE_MODEL, RUN_NEXT_JOB, app  # noqa: E402
from workers import lookout, tasks  # noqa: E402

app.conf.update(
    worker_pool="threads",
    worker_concurrency=settings.WORKER_SLOTS + 1,
    worker_send_task_events=False,
)
app.task(name=RUN_NEXT_JOB)(tasks.run_next_job)
app.task(name=DESCRIBE_MODEL)(tasks.describe_model)

worker_ready.connect(lookout.start)
worker_shutting_down.connect(tasks.close)

__all__ = ["app"]
