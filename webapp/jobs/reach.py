"""What a budget can be for the model, data and target that a form names right now."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils import timezone

from engine.catalog.models import model_entry
from engine.catalog.tables import integer_precision
from engine.catalog.targets import TARGETS
from engine.cost.pricing import cost_model
from engine.schema.cost import WEIGHT_METRICS, Budget, Metric
from engine.schema.errors import InvalidConfig
from engine.schema.layers import ModelSpec
from engine.schema.policy import FLOAT_BITS, MAX_BITS
from engine.schema.target import Target
from engine.solver.contradiction import check_together
from engine.solver.problem import policy_problem
from engine.solver.reach import Reach, reach
from webapp.charts.chart import listed
from webapp.charts.quantities import metric_title
from webapp.jobs import queries, services
from webapp.jobs.admission import check_folder
from webapp.jobs.models import ModelDescription

# Bits change these; multiply-accumulates they do not.
BUDGET_METRICS: tuple[Metric, ...] = ("latency_ms", "energy_mj", "model_bytes", "bit_ops")
_ASK_AGAIN_AFTER_S = 20.0
_WIDTHS = tuple(range(2, MAX_BITS + 1))
Widths = tuple[tuple[int, ...], tuple[int, ...]]  # of weights, of activations


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricChoice:
    """A metric one may set a budget on, or why one may not."""

    id: Metric
    title: str
    reason: str  # "" where it can be chosen


class Reaches:
    """What every metric can be for a network on a target, within some widths; each priced once."""

    def __init__(
        self,
        spec: ModelSpec,
        target: Target,
        *,
        weight_bits: Sequence[int],
        activation_bits: Sequence[int],
    ) -> None:
        self._spec = spec
        self._target = target
        self._costs = cost_model(target)
        self._widths = (tuple(weight_bits), tuple(activation_bits))
        self._known: dict[tuple[Metric, Widths], Reach] = {}

    def of(self, metric: Metric) -> Reach:
        """Return the span of a metric.

        Raises:
            InvalidConfig: there is no budget to set on it here.
        """
        if reason := self.why_not(metric):
            raise InvalidConfig("metric", reason)
        return self._reach(metric)

    def why_not(self, metric: Metric) -> str:
        """Return why no budget can be set on a metric; "" where one can."""
        if reason := _not_told(self._target, metric, is_weights_only=self._is_weights_only):
            return reason
        if not is_flat(self._reach(metric)):
            return ""
        inputs = self._widths[1] if self._is_weights_only else _WIDTHS
        name = metric_title(metric).lower()
        if is_flat(self._reach(metric, (_WIDTHS, inputs))):
            return f"Bits do not change the {name} of this network on {self._target.title}."
        if max(map(len, self._widths)) > 1:
            return f"All policies of the chosen widths have the same {name}; allow more widths."
        return ""  # one width for everything: that is what was asked for

    def check_together(self, budgets: Sequence[Budget]) -> None:
        """Refuse budgets that can be met alone and not together.

        Raises:
            BudgetsContradict: naming the pair.
        """
        metrics = tuple(budget.metric for budget in budgets)
        check_together(policy_problem(self._spec, self._costs, metrics, *self._widths), budgets)

    @property
    def _is_weights_only(self) -> bool:
        return self._widths[1] == (FLOAT_BITS,)

    def _reach(self, metric: Metric, widths: Widths | None = None) -> Reach:
        asked = metric, widths or self._widths
        if asked not in self._known:
            self._known[asked] = reach(self._spec, self._costs, metric, *asked[1])
        return self._known[asked]


def metric_choices(
    target: Target | None, reaches: Reaches | None = None, *, is_weights_only: bool = False
) -> tuple[MetricChoice, ...]:
    """Return the metrics of the catalogue's targets; those one may not choose say why.

    With a network's reaches it is known where bits change nothing, as on a device of one width.
    """
    offered = {metric for entry in TARGETS.values() for metric in entry.metrics}

    def why_not(metric: Metric) -> str:
        if reaches is not None:
            return reaches.why_not(metric)
        return _not_told(target, metric, is_weights_only=is_weights_only) if target else ""

    return tuple(
        MetricChoice(id=metric, title=metric_title(metric), reason=why_not(metric))
        for metric in BUDGET_METRICS
        if metric in offered
    )


def width_note(target: Target) -> str:
    """Return what widths come to on a target that has not all of them; "" where it has."""
    own = [bits for bits in target.weight_bits if bits in target.activation_bits]
    if set(_WIDTHS) <= set(own):
        return ""
    if len(own) == 1:
        kernel = integer_precision(target.cost_table) if target.cost_table else f"int{own[0]}"
        return (
            f"On {target.title} every width runs as {kernel}: fewer bits make the model smaller, "
            "never faster."
        )
    return (
        f"{target.title} multiplies at {listed([str(bits) for bits in own])} bits; other widths "
        "run as the next one up, and only what is stored and moved keeps the exact bits."
    )


def _not_told(target: Target, metric: Metric, *, is_weights_only: bool) -> str:
    name = metric_title(metric)
    if metric not in target.metrics:
        return f"{target.title} has no {name.lower()} to offer."
    if is_weights_only and metric not in WEIGHT_METRICS:
        return f"{name} cannot be told where activations stay float; choose model size."
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
