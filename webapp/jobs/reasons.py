"""Why the found bits are what they are, and how they would differ on the edge and in the cloud."""

from dataclasses import dataclass

from engine.catalog.targets import TARGETS
from engine.cost.model import CostModel
from engine.cost.pricing import cost_model
from engine.schema.errors import EngineError
from engine.schema.policy import MAX_BITS
from engine.schema.results import QuantizeResult
from engine.solver.explanation import Reason, compare_targets, explain
from webapp.charts.chart import Table
from webapp.charts.quantities import NARROW_SPACE, metric_title, percent

_MOST_TOLD = 4
_EDGE, _CLOUD = "bismo-edge", "bismo-cloud"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reasons:
    """The most telling sentences, and all of it as a table."""

    told: tuple[str, ...]
    table: Table
    edge_and_cloud: tuple[str, ...]  # by kind of layer, the largest difference first
    share: str  # of the 8-bit cost that both devices are held to


def reasons(result: QuantizeResult, costs: CostModel) -> Reasons | None:
    """Return why the found policy is what it is; None where nothing of it can be told."""
    if result.contender(result.found).policy is None or not result.sensitivity:
        return None
    found = explain(result, costs)
    if not found:
        return None
    told = [reason for reason in found if reason.why] or list(found)
    metric = metric_title(result.budgets[0].metric)
    share = _share_of_eight_bits(result, costs)
    return Reasons(
        told=tuple(_spaced(reason.text) for reason in told[:_MOST_TOLD]),
        table=Table(
            columns=(
                "Layer and operand",
                "Bits",
                "Mean of all layers",
                f"Layer’s share of {metric.lower()}",
                "Saved by these bits",
                "Loss they add alone",
                "What stands out",
            ),
            rows=tuple(_row(reason) for reason in found),
        ),
        edge_and_cloud=_edge_and_cloud(result, share),
        share=percent(share, places=0),
    )


def _row(reason: Reason) -> tuple[str, ...]:
    return (
        f"{reason.layer}, {reason.operand}",
        str(reason.bits),
        f"{reason.mean_bits:.1f}",
        percent(reason.cost_share),
        percent(reason.saved).replace("-", "\u2212"),
        f"{reason.loss:.3g}",
        reason.why or "–",
    )


def _edge_and_cloud(result: QuantizeResult, share: float) -> tuple[str, ...]:
    """Return how the best predicted policies of BISMO's two devices differ at this share."""
    policy = result.contender(result.found).policy
    is_one_of_them = result.target in (_EDGE, _CLOUD)
    if policy is None or policy.is_weights_only or not is_one_of_them:
        return ()
    if result.budgets[0].metric != "latency_ms":  # counts are the same on both
        return ()
    edge, cloud = (cost_model(TARGETS[target]) for target in (_EDGE, _CLOUD))
    try:
        rows = compare_targets(result, edge, cloud, share=share)
    except EngineError:  # one of them cannot get down to that share
        return ()
    return tuple(
        row.text for row in sorted(rows, key=lambda row: abs(row.first - row.second), reverse=True)
    )


def _share_of_eight_bits(result: QuantizeResult, costs: CostModel) -> float:
    metric = result.budgets[0].metric
    full = float(costs.cost_table(result.model.layers, metric)[:, MAX_BITS - 1, MAX_BITS - 1].sum())
    total = full + costs.fixed_cost(result.model, metric)
    return result.contender(result.found).cost[metric] / total


def _spaced(text: str) -> str:
    return text.replace("%", f"{NARROW_SPACE}%")
