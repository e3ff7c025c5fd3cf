"""What a budget can be for the space, data and target that a form names right now."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from engine.catalog.mobilenet_v2 import MULTIPLIERS, mobilenet_v2_blocks
from engine.catalog.targets import TARGETS
from engine.cost.model import CostModel
from engine.cost.pricing import cost_model
from engine.cost.space_costs import SpaceCosts, pricing_bits, space_costs
from engine.schema.architecture import SearchSpace
from engine.schema.cost import Budget, Metric
from engine.schema.errors import EngineError, InvalidConfig
from engine.schema.layers import InputSpec, ModelSpec
from engine.schema.lowering import model_spec
from engine.schema.policy import LayerBits, Policy
from engine.schema.search_config import SearchConfig
from engine.schema.target import Target
from engine.solver.contradiction import check_together
from engine.solver.space_problem import space_problem
from webapp.charts.quantities import metric_title, metric_words
from webapp.charts.space_band import SpaceReach
from webapp.tables.targets import check_covered

# Of those that add up over blocks; peak memory does not.
SEARCH_METRICS: tuple[Metric, ...] = (
    "latency_ms",
    "energy_mj",
    "macs",
    "model_bytes",
    "bit_ops",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchMetric:
    """A metric one may set a search's budget on, or why one may not."""

    id: Metric
    title: str
    reason: str  # "" where it can be chosen


def search_metrics(target: Target | None, bits: int | None) -> tuple[SearchMetric, ...]:
    """Return the metrics of the catalogue's targets; those this target cannot price say why."""
    offered = {metric for entry in TARGETS.values() for metric in entry.metrics}
    return tuple(
        SearchMetric(
            id=metric,
            title=metric_title(metric),
            reason=_why_not(target, metric, bits) if target else "",
        )
        for metric in SEARCH_METRICS
        if metric in offered
    )


def _why_not(target: Target, metric: Metric, bits: int | None) -> str:
    if metric not in target.metrics:
        return f"{target.title} has no {metric_words(metric)} to offer."
    if metric == "bit_ops" and _widths(target, bits) is None:
        return "Networks are priced in float here; choose bits under Advanced to count these."
    return ""


def priced_space(
    space: SearchSpace, target: Target, metric: Metric, bits: int | None
) -> SpaceCosts:
    """Return what the operations of a space cost; `bits` of None: float, or 8 without float.

    Raises:
        InvalidConfig: the target cannot price the metric or an operation.
    """
    check_covered(target, space)
    if reason := _why_not(target, metric, bits):
        raise InvalidConfig("metric", reason)
    return space_costs(space, cost_model(target), metric, _widths(target, bits))


def space_reach(space: SearchSpace, target: Target, metric: Metric, bits: int | None) -> SpaceReach:
    """Return the span of a metric over a space, and what MobileNetV2 costs at its widths.

    Raises:
        InvalidConfig: as `priced_space`; or all networks cost the same.
    """
    costs = priced_space(space, target, metric, bits)
    if costs.highest - costs.lowest <= 1e-9 * costs.highest:
        raise InvalidConfig(
            "metric", f"all networks of {space.title} have the same {metric_words(metric)} here"
        )
    return SpaceReach(
        metric=metric,
        lowest=costs.lowest,
        highest=costs.highest,
        mean=costs.mean,
        mobilenets=_mobilenets(space, cost_model(target), metric, _widths(target, bits)),
    )


class SpaceReaches:
    """What every metric can be for the networks of a space on a target; each priced once."""

    def __init__(self, space: SearchSpace, target: Target, bits: int | None) -> None:
        self._asked = space, target, bits
        self._known: dict[Metric, SpaceReach] = {}

    def of(self, metric: Metric) -> SpaceReach:
        """Return the span of a metric. Raises InvalidConfig as `space_reach`."""
        if metric not in self._known:
            space, target, bits = self._asked
            self._known[metric] = space_reach(space, target, metric, bits)
        return self._known[metric]

    def why_not(self, metric: Metric) -> str:
        """Return why no budget can be set on a metric; "" where one can."""
        try:
            self.of(metric)
        except InvalidConfig as error:
            return f"{error.message[:1].upper()}{error.message[1:].rstrip('.')}."
        return ""

    def check_together(self, budgets: Sequence[Budget]) -> None:
        """Refuse budgets that can be met alone and not together.

        Raises:
            BudgetsContradict: naming the pair.
        """
        space, target, bits = self._asked
        tables = [priced_space(space, target, budget.metric, bits) for budget in budgets]
        check_together(space_problem(tables), budgets)


def _mobilenets(
    space: SearchSpace, model: CostModel, metric: Metric, bits: LayerBits | None
) -> dict[float, float]:
    found = {}
    for width in MULTIPLIERS:
        try:
            spec = _mobilenet(width, space.input, space.classes)
            policy = None
            if bits is not None:
                layers = {layer.name: bits for layer in spec.layers}
                policy = Policy(layers=layers, model_hash=spec.model_hash)
            found[width] = model.network_cost(spec, policy)[metric]
        except (EngineError, KeyError):  # a table that does not know it has no such mark
            continue
    return found


@cache
def _mobilenet(width: float, image: InputSpec, classes: int) -> ModelSpec:
    return model_spec(mobilenet_v2_blocks(width=width, input=image, classes=classes))


def _widths(target: Target, bits: int | None) -> LayerBits | None:
    asked = SearchConfig(
        space="any",
        dataset="any",
        target=target.id,
        budgets=(Budget(metric="macs", limit=1.0),),
        pricing_bits=bits,
    )
    return pricing_bits(asked, target)
