"""The ProxylessNAS form's first values from the config of an earlier run."""

from typing import Any

from engine.catalog.datasets import FOLDER_PREFIX
from engine.catalog.presets import SEARCH_PRESETS
from engine.schema.configs import SearchConfig
from webapp.charts.quantities import QUANTITIES
from webapp.jobs.form_choices import FOLDER
from webapp.jobs.search_fields import EFFORT_FIELDS, PRESET_FIELDS

_AS_THEY_ARE = (
    "space",
    "width",
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
    budget = config.budgets[0]
    is_folder = config.dataset.startswith(FOLDER_PREFIX)
    preset = SEARCH_PRESETS.get(config.preset, SEARCH_PRESETS["smoke"])
    changed = {
        name: count
        for name in EFFORT_FIELDS
        if (count := getattr(config.effort, name)) != getattr(preset.effort, name)
    }
    chosen = {
        name: value
        for name in PRESET_FIELDS
        if (value := getattr(config, name)) != getattr(preset, name)
    }
    if config.recipe.epochs != preset.recipe.epochs:
        changed["final_epochs"] = config.recipe.epochs
    return {
        **{name: getattr(config, name) for name in _AS_THEY_ARE},
        "dataset": FOLDER if is_folder else config.dataset,
        "folder": config.dataset.removeprefix(FOLDER_PREFIX) if is_folder else "",
        "metric": budget.metric,
        "limit": f"{budget.limit / QUANTITIES[budget.metric].form_unit.size:.6g}",
        "preset": preset.id,
        "pricing_bits": "" if config.pricing_bits is None else str(config.pricing_bits),
        **changed,
        **chosen,
    }
