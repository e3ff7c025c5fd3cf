"""A form's first values from the config of an earlier run."""

from typing import Any

from engine.catalog.datasets import FOLDER_PREFIX
from engine.catalog.models import MODELS
from engine.catalog.presets import QUANTIZE_PRESETS
from engine.catalog.targets import TARGETS
from engine.schema.quantize_config import QuantizeConfig, QuantizeEffort
from webapp.jobs.effort_fields import EFFORT_FIELDS
from webapp.jobs.form_choices import FOLDER, OTHER
from webapp.jobs.found_networks import RESULT_PREFIX, is_found_network
from webapp.jobs.limits_form import limits_initial
from webapp.jobs.models import Job
from webapp.jobs.question_fields import ACCURACY, COST, FURTHER_FIELDS


def initial_from(config: QuantizeConfig) -> dict[str, Any]:  # Any: values of form fields
    """Return a form's first values from the config of an earlier run."""
    known = config.model in MODELS or is_found_network(config.model)
    is_folder = config.dataset.startswith(FOLDER_PREFIX)
    preset = QUANTIZE_PRESETS.get(config.preset, QUANTIZE_PRESETS["smoke"])
    return {
        "model": config.model if known else OTHER,
        "model_other": "" if known else config.model,
        "dataset": FOLDER if is_folder else config.dataset,
        "folder": config.dataset.removeprefix(FOLDER_PREFIX) if is_folder else "",
        "target": config.target,
        **_question(config),
        "preset": preset.id,
        "weight_bits": [str(width) for width in config.weight_bits],
        "activation_bits": [str(width) for width in config.activation_bits],
        "granularity": config.granularity,
        "clipping": config.clipping,
        "sensitivity": config.sensitivity,
        **({"faithful": True} if config.faithful else {}),
        "seed": config.seed,
        "device": config.device,
        "threads": config.threads,
        "kept_checkpoint": config.checkpoint or "",
        **_changed(config.effort, preset.effort),
    }


def _question(config: QuantizeConfig) -> dict[str, Any]:  # Any: values of form fields
    asks_for_cost = config.accuracy_drop is not None
    first = None if asks_for_cost else config.limited_metric
    return {
        "question": COST if asks_for_cost else ACCURACY,
        "quantizer": config.quantizer,
        "metric": config.limited_metric,
        **({"accuracy_drop": f"{100 * (config.accuracy_drop or 0):.6g}"} if asks_for_cost else {}),
        **limits_initial(config.budgets, FURTHER_FIELDS, first=first),
    }


def _changed(effort: QuantizeEffort, preset: QuantizeEffort) -> dict[str, Any]:
    """Return the numbers that differ from the preset's, as their fields take them."""
    values = {name: getattr(effort, name) for name in EFFORT_FIELDS}
    return {
        name: ("yes" if value else "no") if isinstance(value, bool) else value
        for name, value in values.items()
        if value != getattr(preset, name)
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
