"""What a budget can be for the model, data and target that a form names right now."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils import timezone

from engine.catalog.models import model_entry
from engine.catalog.targets import TARGETS, target_entry
from engine.cost.pricing import cost_model
from engine.schema.cost import Metric
from engine.schema.errors import InvalidConfig
from engine.schema.layers import ModelSpec
from engine.schema.policy import MAX_BITS
from engine.schema.target import Target
from engine.solver.reach import Reach, reach
from webapp.charts.quantities import metric_title
from webapp.charts.reach_band import ReachBand, default_limit, reach_band
from webapp.jobs import queries, services
from webapp.jobs.admission import check_folder
from webapp.jobs.models import ModelDescription

# Bits change these; multiply-accumulates they do not.
BUDGET_METRICS: tuple[Metric, ...] = ("latency_ms", "energy_mj", "model_bytes", "bit_ops")
_ASK_AGAIN_AFTER_S = 20.0
_WIDTHS = tuple(range(2, MAX_BITS + 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricChoice:
    """A metric one may set a budget on, or why one may not."""

    id: Metric
    title: str
    reason: str  # "" where it can be chosen


def metric_choices(target_id: str, spec: ModelSpec | None = None) -> tuple[MetricChoice, ...]:
    """Return the metrics of the catalogue's targets; those one may not choose say why.

    With a network it is known where bits change nothing, as on a device of one width.
    """
    target = TARGETS.get(target_id)
    offered = {metric for entry in TARGETS.values() for metric in entry.metrics}
    return tuple(
        MetricChoice(
            id=metric,
            title=metric_title(metric),
            reason=_why_not(target, metric, spec) if target else "",
        )
        for metric in BUDGET_METRICS
        if metric in offered
    )


def _why_not(target: Target, metric: Metric, spec: ModelSpec | None) -> str:
    name = metric_title(metric).lower()
    if metric not in target.metrics:
        return f"{target.title} has no {name} to offer."
    if spec is not None and is_flat(reach(spec, cost_model(target), metric, _WIDTHS, _WIDTHS)):
        return f"Bits do not change the {name} of this network on {target.title}."
    return ""


def is_flat(found: Reach) -> bool:
    """Whether all policies cost the same, so that a budget would mean nothing."""
    return found.highest - found.lowest <= 1e-9 * found.highest


def described(model_id: str, dataset_id: str, *, ask: bool = True) -> ModelSpec | ModelDescription:
    """Return the layers of a model on a data set; a worker is asked where nobody asked yet.

    Raises:
        InvalidConfig: no such model or data set.
    """
    model_entry(model_id)
    check_folder(dataset_id)
    spec = queries.model_spec(model_id, dataset_id)
    if isinstance(spec, ModelSpec) or not ask:
        return spec
    never_asked = spec.pk is None
    failed = spec.status == ModelDescription.Status.FAILED
    age_s = (timezone.now() - spec.requested_at).total_seconds()
    if never_asked or (failed and age_s > _ASK_AGAIN_AFTER_S):
        return services.describe_model(model_id, dataset_id)
    return spec


def reach_of(
    spec: ModelSpec,
    target_id: str,
    metric: Metric,
    *,
    weight_bits: Sequence[int],
    activation_bits: Sequence[int],
) -> Reach:
    """Return the span of a metric over the policies of these widths.

    Raises:
        InvalidConfig: no such target, or bits change nothing of the metric there.
    """
    target = target_entry(target_id)
    if metric not in target.metrics:
        raise InvalidConfig("metric", f"{target.title} has no {metric_title(metric).lower()}")
    found = reach(spec, cost_model(target), metric, weight_bits, activation_bits)
    if is_flat(found) and max(len(weight_bits), len(activation_bits)) > 1:
        raise InvalidConfig("metric", _why_not(target, metric, spec))
    return found


def band_of(found: Reach, limit: float | None, *, who: str, target_id: str) -> ReachBand:
    """Return the band of a network (`who`) in the words of the catalogue."""
    return reach_band(
        found,
        float(default_limit(found)) if limit is None else limit,
        who=who,
        where=target_entry(target_id).title,
    )
