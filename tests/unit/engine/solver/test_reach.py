"""What a budget can be: the span of all policies and the refusals outside of it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.catalog.baselines import uniform_policy
from engine.catalog.targets import TARGETS, target_entry
from engine.cost.model import CostModel
from engine.cost.pricing import cost_model
from engine.schema.cost import Budget, Metric
from engine.schema.errors import BudgetUnreachable, InvalidConfig
from engine.schema.layers import ModelSpec
from engine.solver.problem import policy_problem
from engine.solver.reach import check_budgets, reach
from tests.unit.engine import paper_networks

SEARCHED = (2, 3, 4, 5, 6, 7, 8)
MODEL = paper_networks.mobilenet_v2()
TARGET_METRICS = [
    (target_id, metric) for target_id, target in TARGETS.items() for metric in target.metrics
]


def check(model: CostModel, spec: ModelSpec, metric: Metric, limit: float) -> None:
    check_budgets(spec, model, [Budget(metric=metric, limit=limit)], SEARCHED, SEARCHED)


def test_the_span_runs_from_2_to_8_bits_with_the_baselines_inside(
    mobilenet_v2: ModelSpec, bismo_cloud: CostModel
) -> None:
    span = reach(mobilenet_v2, bismo_cloud, "latency_ms", SEARCHED, SEARCHED)

    assert span.lowest == pytest.approx(41.56, abs=5e-3)
    assert span.highest == span.baselines[8] == pytest.approx(198.11, abs=5e-3)
    assert span.lowest < span.baselines[4] < span.baselines[6] < span.baselines[8]
    assert span.float_value is None


def test_float_stands_on_the_axis_where_the_target_knows_it(
    mobilenet_v2: ModelSpec, counted: CostModel
) -> None:
    span = reach(mobilenet_v2, counted, "model_bytes", SEARCHED, SEARCHED)

    assert span.float_value == 14_019_488
    assert span.highest == 3_610_208


@pytest.mark.parametrize(("target_id", "metric"), TARGET_METRICS)
@settings(max_examples=5, deadline=None)  # of each target and metric
@given(seed=st.integers(0, 2**32 - 1))
def test_every_policy_lies_within_the_span(target_id: str, metric: Metric, seed: int) -> None:
    model = cost_model(target_entry(target_id))
    problem = policy_problem(MODEL, model, (metric,), SEARCHED, SEARCHED)
    choice = np.random.default_rng(seed).integers(0, 49, problem.layers)

    span = reach(MODEL, model, metric, SEARCHED, SEARCHED)

    assert span.lowest <= problem.cost(choice, metric) <= span.highest


def test_few_widths_make_a_short_span(mobilenet_v2: ModelSpec, bismo_cloud: CostModel) -> None:
    span = reach(mobilenet_v2, bismo_cloud, "latency_ms", (4,), (4,))

    uniform = bismo_cloud.network_cost(mobilenet_v2, uniform_policy(mobilenet_v2, 4, 4))
    assert span.lowest == span.highest == uniform["latency_ms"]


def test_the_nearest_budget_to_one_outside_is_the_end_of_the_span(
    mobilenet_v2: ModelSpec, bismo_cloud: CostModel
) -> None:
    span = reach(mobilenet_v2, bismo_cloud, "latency_ms", SEARCHED, SEARCHED)

    assert span.nearest(1.0) == span.lowest
    assert span.nearest(100.0) == 100.0
    assert span.nearest(1000.0) == span.highest


def test_budgets_within_the_span_pass(mobilenet_v2: ModelSpec, bismo_cloud: CostModel) -> None:
    span = reach(mobilenet_v2, bismo_cloud, "latency_ms", SEARCHED, SEARCHED)

    for limit in (span.lowest, 100.0, span.highest):
        check(bismo_cloud, mobilenet_v2, "latency_ms", limit)


def test_a_budget_below_the_span_is_refused_with_the_nearest_one(
    mobilenet_v2: ModelSpec, bismo_cloud: CostModel
) -> None:
    with pytest.raises(BudgetUnreachable, match=r"lowest .* reaches .* 41\.56; ask") as refusal:
        check(bismo_cloud, mobilenet_v2, "latency_ms", 40.0)

    check(bismo_cloud, mobilenet_v2, "latency_ms", refusal.value.lowest)


def test_a_budget_above_the_span_is_refused_with_the_nearest_one(
    mobilenet_v2: ModelSpec, bismo_cloud: CostModel
) -> None:
    with pytest.raises(InvalidConfig, match=r"highest .* reaches .* 198\.107; ask"):
        check(bismo_cloud, mobilenet_v2, "latency_ms", 250.0)


def test_a_metric_that_bits_do_not_change_is_no_budget(
    mobilenet_v2: ModelSpec, counted: CostModel
) -> None:
    with pytest.raises(InvalidConfig, match="bits do not change macs; choose one of model_bytes"):
        check(counted, mobilenet_v2, "macs", 3e8)


@pytest.mark.parametrize(
    ("target_id", "metric", "choices"),
    [
        ("pixel1", "latency_ms", "model_bytes, bit_ops"),
        ("nvidia-h100", "energy_mj", "model_bytes, bit_ops"),
        ("systolic", "latency_ms", "energy_mj, model_bytes, bit_ops"),
    ],
)
def test_a_device_metric_that_bits_do_not_change_is_no_budget(
    mobilenet_v2: ModelSpec, target_id: str, metric: Metric, choices: str
) -> None:
    model = cost_model(target_entry(target_id))

    with pytest.raises(
        InvalidConfig, match=f"do not change {metric} on {target_id}; choose one of {choices}$"
    ):
        check(model, mobilenet_v2, metric, 30.0)


def test_peak_memory_is_no_budget_but_has_a_span(
    mobilenet_v2: ModelSpec, counted: CostModel
) -> None:
    span = reach(mobilenet_v2, counted, "peak_activation_bytes", SEARCHED, SEARCHED)

    # The largest layer at 8 bits, and the first one, which keeps them.
    assert (span.highest, span.lowest) == (1_505_280, 551_936)
    with pytest.raises(InvalidConfig, match="is that of one layer"):
        check(counted, mobilenet_v2, "peak_activation_bytes", 1e6)


def test_a_metric_the_target_lacks_is_no_budget(
    mobilenet_v2: ModelSpec, counted: CostModel
) -> None:
    with pytest.raises(InvalidConfig, match="budgets: counted does not know latency_ms"):
        check(counted, mobilenet_v2, "latency_ms", 10.0)
