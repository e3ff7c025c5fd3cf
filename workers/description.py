"""A model outside the catalogue, described by the engine."""

import json
import logging
import secrets
import subprocess

from django.conf import settings

from engine.schema.codec import Json, from_json
from engine.schema.errors import InvalidConfig
from engine.schema.layers import ModelSpec
from webapp.guarded import guarded
from webapp.jobs.models import ModelDescription
from workers.engine_process import USER_ERROR, engine_command, engine_environment

logger = logging.getLogger(__name__)


class NotDescribed(Exception):
    """The engine gave no description; the text is for the person who chose the model."""


def describe(description_id: int) -> None:
    """Have the engine describe a model, and keep the answer or the reason why there is none."""
    waiting = ModelDescription.objects.filter(
        pk=description_id, status=ModelDescription.Status.WAITING
    )
    description = waiting.first()
    if description is None:
        return  # a message that came twice
    try:
        spec = _ask_engine(description.model, description.dataset)
    except NotDescribed as refusal:
        waiting.update(status=ModelDescription.Status.FAILED, error_text=str(refusal))
    else:
        waiting.update(status=ModelDescription.Status.READY, spec=spec, error_text="")


def _ask_engine(model: str, dataset: str) -> Json:
    arguments = ["describe", model, *(["--dataset", dataset] if dataset else [])]
    try:
        answer = subprocess.run(  # noqa: S603 # our own program, no shell
            guarded([*engine_command(), *arguments]),
            cwd=settings.BASE_DIR,
            env=engine_environment(threads=1),
            capture_output=True,
            text=True,
            timeout=settings.DESCRIBE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise NotDescribed(
            f"model: could not be described within {settings.DESCRIBE_SECONDS} s"
        ) from None
    if answer.returncode == USER_ERROR:
        raise NotDescribed(answer.stderr.strip().splitlines()[-1])
    return _checked(model, answer)


def _checked(model: str, answer: "subprocess.CompletedProcess[str]") -> Json:
    try:
        spec: Json = json.loads(answer.stdout)
        from_json(ModelSpec, spec)
    except (ValueError, InvalidConfig):
        reference = secrets.token_hex(4)
        logger.error(  # the trace that matters is the engine's
            "Reference %s: no description of %s, exit status %d\n%s",
            *(reference, model, answer.returncode, answer.stderr[-10_000:]),
        )
        raise NotDescribed(
            f"model: could not be described. Reference {reference}: whoever runs Bespoke finds "
            "the details in the worker's log."
        ) from None
    return spec
