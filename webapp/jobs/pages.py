"""What the pages of a job show: the live page while it runs, the result's page afterwards."""

from collections.abc import Callable
from typing import Any

from engine.schema.codec import config_from_json
from engine.schema.errors import InvalidConfig
from engine.schema.quantize_config import QuantizeConfig
from engine.schema.search_config import SearchConfig
from webapp.charts.live import LIVE_CHARTS, search_charts
from webapp.charts.live_chart import LiveChart
from webapp.charts.live_quantize import quantize_charts
from webapp.charts.quantities import QUANTITIES
from webapp.jobs import queries
from webapp.jobs.kinds import KINDS
from webapp.jobs.models import Job
from webapp.jobs.question import plain_config, question_words
from webapp.jobs.result_profile import profile_page
from webapp.jobs.result_quantize import quantize_page
from webapp.jobs.result_search import search_page
from webapp.jobs.search_space import space_of

LOG_LINES = 200

# A new kind of job adds what its result's page shows.
RESULT_PAGES: dict[str, Callable[[Job], object]] = {
    Job.Kind.QUANTIZE: quantize_page,
    Job.Kind.SEARCH: search_page,
    Job.Kind.PROFILE: profile_page,
}


def live_page(job: Job) -> dict[str, Any]:  # Any: a template's context
    """Return what the page of a job without a result needs beside the job."""
    return {
        "charts": _live_charts(job),
        "stages": _stages(job),
        "budget_unit": _budget_unit(job),
        "words": KINDS[job.kind],
        "has_checkpoint": queries.keeps_checkpoint(job),
        "question": _question(job),
    }


def _question(job: Job) -> str:
    config = config_from_json(job.config)
    if not isinstance(config, QuantizeConfig | SearchConfig):
        return ""
    return question_words(config, job.target_title)


def _budget_unit(job: Job) -> dict[str, Any] | None:  # Any: text and numbers
    if not job.budget_metric:
        return None
    quantity = QUANTITIES[job.budget_metric]  # type: ignore[index] # a metric
    # Without a limit it is not known yet how large the numbers are.
    unit = quantity.unit_for([job.budget_limit]) if job.budget_limit else quantity.form_unit
    return {"metric": job.budget_metric, "symbol": unit.symbol, "size": unit.size}


def _live_charts(job: Job) -> tuple[LiveChart, ...]:
    config = config_from_json(job.config)
    if isinstance(config, QuantizeConfig):
        return quantize_charts(config.sensitivity, weights_alone=config.quantizer == "kmeans")
    if not isinstance(config, SearchConfig):
        return LIVE_CHARTS.get(job.kind, ())
    try:
        return search_charts(config, space_of(config))
    except InvalidConfig:  # a folder of images that has gone since
        return LIVE_CHARTS[job.kind]


def config_rows(job: Job) -> list[tuple[str, str]]:
    """Return a job's config as flat rows of name and value."""
    return _flattened(plain_config(job.config), "")


def _flattened(value: Any, path: str) -> list[tuple[str, str]]:  # Any: JSON
    if isinstance(value, dict):
        return [
            row
            for key, each in value.items()
            for row in _flattened(each, f"{path}.{key}".strip("."))
        ]
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [row for at, each in enumerate(value) for row in _flattened(each, f"{path}.{at}")]
    if isinstance(value, list):
        return [(path, ", ".join(str(each) for each in value))]
    return [(path, "–" if value is None else str(value))]


def _stages(job: Job) -> list[tuple[str, str, str]]:
    titles = KINDS[job.kind].stages
    order = list(titles)
    now = order.index(job.stage) if job.stage in order else -1
    return [
        (stage, titles[stage], "done" if at < now else "now" if at == now else "next")
        for at, stage in enumerate(order)
    ]
