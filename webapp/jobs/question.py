"""The question of a search in words: what is sought, under which limits."""

from collections.abc import Mapping
from typing import Any, cast

from engine.schema.codec import config_from_json
from engine.schema.cost import Budget, Metric
from engine.schema.quantize_config import QuantizeConfig
from engine.schema.search_config import SearchConfig
from webapp.charts.chart import listed
from webapp.charts.quantities import QUANTITIES, metric_title, metric_words, write
from webapp.jobs.answer import points_words, target_title
from webapp.jobs.models import Job


def question_words(config: QuantizeConfig | SearchConfig, table_title: str = "") -> str:
    """Return what a run seeks: "Best accuracy within latency ≤ 4.00 ms on BISMO …".

    `table_title` is what a table was called.
    """
    where = target_title(config.target, table_title)
    limits = listed([limit_words(budget) for budget in config.budgets])
    if isinstance(config, SearchConfig):
        return f"Best accuracy within {limits} on {where}."
    if config.accuracy_drop is None:
        sought = f"Best accuracy within {limits} on {where}"
    else:
        assert config.objective is not None
        small = metric_title(config.objective).lower()
        beside = f", {limits}" if limits else ""
        sought = f"Smallest {small} on {where} with {drop_words(config.accuracy_drop)}{beside}"
    codebooks = ", weights alone by codebooks" if config.quantizer == "kmeans" else ""
    return f"{sought}{codebooks}."


def limit_words(budget: Budget) -> str:
    """Return a limit as a sentence has it: "latency ≤ 4.00 ms"."""
    return f"{metric_words(budget.metric)} ≤ {write(budget.metric, budget.limit)}"


def drop_words(drop: float) -> str:
    """Return an accuracy drop, 0-1: "at most 1 point of accuracy lost"."""
    return f"at most {points_words(drop)} of accuracy lost"


def budget_words(job: Job) -> str:
    """Return what lists of runs say of a job's budget: "Latency ≤ 4.00 ms", "smallest latency"."""
    if not job.budget_metric:
        return "–"
    metric = cast(Metric, job.budget_metric)
    if not job.budget_limit:
        return f"smallest {metric_title(metric).lower()}"
    return f"{QUANTITIES[metric].title} ≤ {write(metric, job.budget_limit)}"


def budgets_words(job: Job) -> str:
    """Return all that limits a job: "Latency ≤ 4.00 ms, model size ≤ 300 kB"."""
    config = config_from_json(job.config)
    if not isinstance(config, QuantizeConfig | SearchConfig):
        return budget_words(job)
    limits = [limit_words(budget) for budget in config.budgets]
    if isinstance(config, QuantizeConfig) and config.accuracy_drop is not None:
        limits = [budget_words(job), drop_words(config.accuracy_drop), *limits]
    words = ", ".join(limits)
    return words[:1].upper() + words[1:]


def plain_config(config: Mapping[str, Any]) -> dict[str, Any]:  # Any: JSON
    """Return a job's config as it is shown: with codebooks, activations have no bits."""
    if config.get("quantizer") != "kmeans":
        return dict(config)
    return {**config, "activation_bits": "float"}
