"""The ProxylessNAS form's first values from the config of an earlier run."""

from typing import Any

from engine.catalog.datasets import FOLDER_PREFIX
from engine.catalog.presets import SEARCH_PRESETS
from engine.schema.search_config import SearchConfig
from webapp.jobs.form_choices import FOLDER
from webapp.jobs.limits_form import limits_initial
from webapp.jobs.search_effort_fields import effort_initial
from webapp.jobs.search_fields import FURTHER_FIELDS, PRESET_FIELDS
from webapp.jobs.search_shape import shape_initial

_AS_THEY_ARE = (
    "space",
    "target",
    "algorithm",
    "zero_gradient",
    "hardware_strength",
    "starting_weights",
    "seed",
    "device",
    "precision",
    "threads",
)


def search_initial(config: SearchConfig) -> dict[str, Any]:  # Any: values of form fields
    """Return a form's first values from the config of an earlier run."""
    is_folder = config.dataset.startswith(FOLDER_PREFIX)
    preset = SEARCH_PRESETS.get(config.preset, SEARCH_PRESETS["smoke"])
    chosen = {
        name: value
        for name in PRESET_FIELDS
        if (value := getattr(config, name)) != getattr(preset, name)
    }
    changed = effort_initial(config.effort, config.recipe, of=(preset.effort, preset.recipe))
    return {
        **{name: getattr(config, name) for name in _AS_THEY_ARE},
        "dataset": FOLDER if is_folder else config.dataset,
        "folder": config.dataset.removeprefix(FOLDER_PREFIX) if is_folder else "",
        "metric": config.budgets[0].metric,
        **limits_initial(config.budgets, FURTHER_FIELDS, first=config.budgets[0].metric),
        "preset": preset.id,
        "pricing_bits": "" if config.pricing_bits is None else str(config.pricing_bits),
        **shape_initial(config.shape),
        **changed,
        **chosen,
    }
