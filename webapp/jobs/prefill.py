"""A form's first values from the config of an earlier run."""

from typing import Any

from engine.catalog.datasets import FOLDER_PREFIX
from engine.catalog.models import MODELS
from engine.catalog.presets import QUANTIZE_PRESETS
from engine.catalog.targets import TARGETS
from engine.schema.configs import QuantizeConfig
from webapp.charts.quantities import QUANTITIES
from webapp.jobs.form_choices import FOLDER, OTHER
from webapp.jobs.found_networks import RESULT_PREFIX, is_found_network
from webapp.jobs.models import Job
from webapp.jobs.quantize_fields import EFFORT_FIELDS


def initial_from(config: QuantizeConfig) -> dict[str, Any]:  # Any: values of form fields
    """Return a form's first values from the config of an earlier run."""
    budget = config.budgets[0]
    known = config.model in MODELS or is_found_network(config.model)
    is_folder = config.dataset.startswith(FOLDER_PREFIX)
    preset = QUANTIZE_PRESETS.get(config.preset, QUANTIZE_PRESETS["smoke"])
    changed = {
        name: value
        for name in EFFORT_FIELDS
        if (value := getattr(config.effort, name)) != getattr(preset.effort, name)
    }
    return {
        "model": config.model if known else OTHER,
        "model_other": "" if known else config.model,
        "dataset": FOLDER if is_folder else config.dataset,
        "folder": config.dataset.removeprefix(FOLDER_PREFIX) if is_folder else "",
        "target": config.target,
        "metric": budget.metric,
        "limit": f"{budget.limit / QUANTITIES[budget.metric].form_unit.size:.6g}",
        "preset": preset.id,
        "weight_bits": [str(width) for width in config.weight_bits],
        "activation_bits": [str(width) for width in config.activation_bits],
        "granularity": config.granularity,
        "clipping": config.clipping,
        "seed": config.seed,
        "device": config.device,
        "threads": config.threads,
        "kept_checkpoint": config.checkpoint or "",
        **changed,
    }


def initial_for_network(search: Job) -> dict[str, Any]:  # Any: values of form fields
    """Return a HAQ form's first values for the network that a search found.

    The search's own target is kept where fewer bits save anything on it.
    """
    is_folder = search.dataset.startswith(FOLDER_PREFIX)
    target = TARGETS.get(search.target)
    gains = target is not None and len(target.weight_bits) > 1 and "latency_ms" in target.metrics
    return {
        "model": f"{RESULT_PREFIX}{search.pk}",
        "dataset": FOLDER if is_folder else search.dataset,
        "folder": search.dataset.removeprefix(FOLDER_PREFIX) if is_folder else "",
        **({"target": search.target} if gains else {}),
    }
