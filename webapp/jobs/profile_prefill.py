"""The first values of the form that measures a device: an earlier run's, or an address's."""

from typing import Any

from django.http import QueryDict

from engine.catalog.datasets import FOLDER_PREFIX
from engine.catalog.models import MODELS
from engine.catalog.presets import PROFILE_PRESETS
from engine.catalog.spaces import SPACES
from engine.schema.codec import config_from_json
from engine.schema.profile_config import ProfileConfig
from engine.schema.search_config import SearchConfig
from webapp.jobs.form_choices import FOLDER, OTHER
from webapp.jobs.models import Job
from webapp.jobs.profile_fields import EFFORT_FIELDS
from webapp.jobs.profile_form import ProfileForm, table_name
from webapp.jobs.search_shape import shape_initial

_FROM_ADDRESS = frozenset(ProfileForm.base_fields) - {"team", "subject", "precisions"}


def profile_initial(config: ProfileConfig) -> dict[str, Any]:  # Any: values of form fields
    """Return a form's first values from the config of an earlier run."""
    preset = PROFILE_PRESETS.get(config.preset, PROFILE_PRESETS["balanced"])
    changed = {
        name: value
        for name in EFFORT_FIELDS
        if (value := getattr(config.effort, name)) != getattr(preset.effort, name)
    }
    is_usual = config.name == table_name(config.subject, config.device)
    return {
        **_subject(config.subject),
        **_images(config.dataset),
        **shape_initial(config.shape),
        "target": config.target,
        "precisions": list(config.precisions),
        "preset": preset.id,
        "batch": config.batch,
        "threads": config.threads,
        "seed": config.seed,
        "table": "" if is_usual else config.name,
        **changed,
    }


def asked_initial(asked: QueryDict) -> dict[str, Any]:  # Any: values of form fields
    """Return a form's first values from the fields that an address names.

    A search's form sends its own fields along, so `space` or `model` may name what is measured.
    """
    named = asked.get("subject") or asked.get("space") or asked.get("model") or ""
    if named == OTHER:
        named = asked.get("model_other", "").strip()
    values = {name: asked[name] for name in _FROM_ADDRESS if asked.get(name)}
    return {**values, **(_subject(named) if named else {})}


def space_initial(search: Job) -> dict[str, Any]:  # Any: values of form fields
    """Return a form's first values for the space that a search searched."""
    config = config_from_json(search.config)
    assert isinstance(config, SearchConfig)  # as the job's kind says
    return {
        **_subject(config.space),
        **_images(config.dataset),
        **shape_initial(config.shape),
    }


def _subject(subject: str) -> dict[str, str]:
    if subject in SPACES or subject in MODELS:
        return {"subject": subject, "subject_other": ""}
    return {"subject": OTHER, "subject_other": subject}


def _images(dataset: str) -> dict[str, str]:
    if dataset.startswith(FOLDER_PREFIX):
        return {"dataset": FOLDER, "folder": dataset.removeprefix(FOLDER_PREFIX)}
    return {"dataset": dataset}
