"""What a space costs, and what is refused before anything is trained."""

from dataclasses import replace
from itertools import pairwise

import pytest

from engine.catalog.spaces import SPACES
from engine.catalog.tables import table_target
from engine.cost.pricing import cost_model
from engine.proxyless.finalists import MOBILENET_V2, finalists, mobilenet_v2_finalist
from engine.proxyless.priced_space import PricedSpace, price_space
from engine.schema.architecture import SearchSpace
from engine.schema.cost import Budget
from engine.schema.errors import BudgetUnreachable, InvalidConfig
from tests.engine.proxyless.toy_search import MACS, priced_space, search_config
from tests.unit.engine.cost.measured_tables import table_of_space

TINY = SPACES["tiny"]


def budget(metric: str, limit: float) -> Budget:
    return Budget(metric=metric, limit=limit)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("target", "metric", "limit"),
    [("pixel1", "latency_ms", 3.0), ("bismo-cloud", "latency_ms", 3.0), ("counted", "macs", 1.5e6)],
)
def test_tables_agree_with_whole_networks(target: str, metric: str, limit: float) -> None:
    priced = priced_space(target=target, budgets=(budget(metric, limit),))

    for choices in ((0, 6, 1, 6, 2, 6), (5, 5, 5, 5, 5, 5), (2, 0, 3, 6, 4, 1)):
        whole = priced.cost(choices)[priced.budgets[0].metric]
        assert priced.tables[0].cost(choices) == pytest.approx(whole)
        assert priced.uses(choices) == pytest.approx((whole / limit,))


def test_a_budget_below_every_network_says_the_lowest() -> None:
    with pytest.raises(BudgetUnreachable) as error:
        priced_space(budgets=(budget("macs", 1e5),))

    assert error.value.lowest == priced_space().tables[0].lowest


def test_budgets_that_no_network_meets_together_are_refused() -> None:
    # Each can be met: the lightest network of the space has the fewest of both.
    lowest = priced_space().tables[0].lowest
    smallest = priced_space(budgets=(budget("model_bytes", 1e9),)).tables[0].lowest

    priced_space(budgets=(budget("macs", lowest), budget("model_bytes", smallest)))
    with pytest.raises(BudgetUnreachable):
        priced_space(budgets=(budget("macs", lowest), budget("model_bytes", 0.9 * smallest)))


@pytest.mark.parametrize(
    ("target", "metric", "message"),
    [
        ("counted", "latency_ms", "cannot hold latency_ms; choose one of model_bytes"),
        ("counted", "peak_activation_bytes", "cannot hold peak_activation_bytes"),
    ],
)
def test_a_metric_that_the_target_lacks_is_refused(target: str, metric: str, message: str) -> None:
    with pytest.raises(InvalidConfig, match=message):
        priced_space(target=target, budgets=(budget(metric, 1e9),))


def priced_by_the_rows_of(space: SearchSpace) -> PricedSpace:
    """Return the tiny space on a device that was measured for `space`."""
    target = table_target(table_of_space(space))
    config = search_config(target=target.id, budgets=(budget("latency_ms", 1e3),))
    return price_space(config, TINY, cost_model(target))


def test_an_operation_without_a_price_is_named() -> None:
    last = TINY.blocks[-1]
    without_skip_and_k7 = replace(last, ops=last.ops[:5])

    with pytest.raises(
        InvalidConfig, match=r"target: table:bench@\w+ cannot price mbconv-k7-e6 of blocks\.5"
    ):
        priced_by_the_rows_of(replace(TINY, blocks=(*TINY.blocks[:-1], without_skip_and_k7)))


def test_a_device_that_was_measured_for_the_space_alone_has_no_yardstick() -> None:
    priced = priced_by_the_rows_of(TINY)

    rows = finalists(priced, (0, 6, 4, 0, 2, 6), random_networks=1, seed=0)

    assert mobilenet_v2_finalist(priced) is None
    assert [row.id for row in rows] == ["found", "random-1"]


def test_the_yardstick_is_the_widest_mobilenet_within_the_budget() -> None:
    priced = priced_space(budgets=(budget("macs", 4e6),))

    row = mobilenet_v2_finalist(priced)

    assert row is not None
    assert row.width is not None
    assert 0.75 * 4e6 <= row.cost["macs"] <= 4e6
    assert row.note == ""


def test_a_yardstick_that_cannot_keep_to_the_budget_says_so() -> None:
    row = mobilenet_v2_finalist(priced_space(budgets=(budget("macs", 1.2e6),)))

    assert row is not None
    assert row.cost["macs"] > 1.2e6
    assert "breaks the budget" in row.note


def test_finalists_are_the_found_one_the_yardstick_and_distinct_random_ones() -> None:
    priced = priced_space(budgets=(MACS,))
    found = (0, 6, 4, 0, 2, 6)

    rows = finalists(priced, found, random_networks=5, seed=0)

    assert [row.id for row in rows] == [
        "found",
        MOBILENET_V2,
        *(f"random-{number}" for number in range(1, 6)),
    ]
    randoms = [row.choices for row in rows if row.origin == "random"]
    assert all(one != other for one, other in pairwise(sorted(map(str, randoms))))
    assert found not in randoms
    assert all(row.cost["macs"] <= MACS.limit for row in rows)
