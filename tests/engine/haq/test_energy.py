"""Whole runs on a target that prices energy, and under several budgets at once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.catalog.baselines import uniform_policy
from engine.catalog.targets import target_entry
from engine.cost.price import price
from engine.cost.pricing import cost_model
from engine.schema.cost import Budget
from engine.schema.results import Contender, QuantizeResult
from engine.solver.explanation import explain
from tests.engine.tiny_run import finished, small_constants, tiny_config

# The small MobileNetV1 on BitFusion 16 x 32: 0.124 to 0.216 mJ, 0.083 to 0.163 ms; on every
# target 13 to 190 million bit operations. Uniform 4 bit takes 0.157 mJ, 0.099 ms and 49 million.
ENERGY = Budget(metric="energy_mj", limit=0.150)
LATENCY = Budget(metric="latency_ms", limit=0.120)
BIT_OPERATIONS = Budget(metric="bit_ops", limit=6e7)


@pytest.fixture(autouse=True, scope="module")
def _small() -> Iterator[None]:
    with small_constants():
        yield


@pytest.fixture(scope="module")
def saving(tmp_path_factory: pytest.TempPathFactory) -> QuantizeResult:
    """What a run finds that is to save energy."""
    return run_under((ENERGY,), tmp_path_factory.mktemp("energy"))


@pytest.fixture(scope="module")
def bound(tmp_path_factory: pytest.TempPathFactory) -> QuantizeResult:
    """What a run finds under three budgets."""
    return run_under((LATENCY, BIT_OPERATIONS, ENERGY), tmp_path_factory.mktemp("three"))


def run_under(budgets: tuple[Budget, ...], folder: Path) -> QuantizeResult:
    result = finished(tiny_config(target="bitfusion-eyeriss", budgets=budgets), folder).result
    assert isinstance(result, QuantizeResult)
    return result


def priced_anew(result: QuantizeResult, row: Contender, metric: str) -> float:
    """Price a row's policy layer by layer, without the tables that the search looked into."""
    assert row.policy is not None
    report = price(result.model, cost_model(target_entry(result.target)), row.policy)
    if metric == "bit_ops":
        return sum(
            layer.macs * row.policy[layer.name].weight_bits * row.policy[layer.name].activation_bits
            for layer in result.model.layers
        )
    return sum(layer[metric] for layer in report["layers"])


def strategies(result: QuantizeResult) -> list[Contender]:
    return [row for row in result.contenders if row.role in ("found", "strategy")]


def test_every_strategy_keeps_to_a_budget_of_energy(saving: QuantizeResult) -> None:
    rows = strategies(saving)

    assert len(rows) >= 5
    for row in rows:
        assert priced_anew(saving, row, "energy_mj") <= ENERGY.limit * (1 + 1e-9)
        assert row.cost["energy_mj"] == pytest.approx(priced_anew(saving, row, "energy_mj"))
    assert saving.front.metric == "energy_mj"
    assert all("energy_mj" in point.costs for point in saving.front.points)


def test_energy_is_spent_to_the_last_step_that_fits(saving: QuantizeResult) -> None:
    """No single operand can be a bit wider within the budget."""
    found = saving.contender("solver")
    assert found.policy is not None
    left = ENERGY.limit - priced_anew(saving, found, "energy_mj")

    assert 0 <= left < 0.02 * ENERGY.limit


def test_the_reasons_speak_of_energy(saving: QuantizeResult) -> None:
    costs = cost_model(target_entry(saving.target))
    at_8 = price(saving.model, costs, uniform_policy(saving.model, 8, 8))
    whole = at_8["total"]["energy_mj"]["value"]

    reasons = {(one.layer, one.operand): one for one in explain(saving, costs)}

    for layer in at_8["layers"][1:-1]:
        for operand in ("weights", "activations"):
            share = reasons[layer["name"], operand].cost_share
            assert share == pytest.approx(layer["energy_mj"] / whole)


def test_three_budgets_hold_at_once(bound: QuantizeResult) -> None:
    for row in strategies(bound):
        for budget in bound.budgets:
            assert priced_anew(bound, row, budget.metric) <= budget.limit * (1 + 1e-9)
    alone = bound.contender("uniform-8")
    assert all(priced_anew(bound, alone, b.metric) > b.limit for b in bound.budgets)


def test_the_least_energy_within_an_accuracy_drop_beside_a_latency_budget(tmp_path: Path) -> None:
    config = tiny_config(
        target="bitfusion-eyeriss",
        budgets=(LATENCY,),
        accuracy_drop=0.1,
        objective="energy_mj",
    )

    result = finished(config, tmp_path).result

    assert isinstance(result, QuantizeResult)
    energy, latency = result.budgets
    assert (energy.metric, latency) == ("energy_mj", LATENCY)
    for row in strategies(result):
        for budget in result.budgets:
            assert priced_anew(result, row, budget.metric) <= budget.limit * (1 + 1e-9)
    assert energy.limit < result.contender("uniform-8").cost["energy_mj"]
    solver, in_float = (result.contender(name).search_accuracy for name in ("solver", "float"))
    assert solver is not None
    assert in_float is not None
    assert solver.value >= in_float.value - 0.1


def test_the_front_of_several_budgets_is_that_of_the_first(bound: QuantizeResult) -> None:
    assert bound.front.metric == LATENCY.metric
    costs = [point.costs["latency_ms"] for point in bound.front.points]
    assert costs == sorted(costs)
    assert costs[0] < LATENCY.limit < costs[-1]
