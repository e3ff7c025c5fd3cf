"""The table of contenders."""

import pytest

from tests import haq_run
from tests.configs import quantize_config
from webapp.jobs.contenders import ContenderTable, Row, contender_table


@pytest.fixture(scope="module")
def table() -> ContenderTable:
    return contender_table(haq_run.result(quantize_config(), scored=10))


def row(table: ContenderTable, row_id: str) -> Row:
    return next(each for each in table.rows if each.id == row_id)


def test_baselines_come_first_and_the_strategies_after_a_line(table: ContenderTable) -> None:
    assert [each.id for each in table.rows] == [
        *("float", "uniform-8", "uniform-6", "uniform-4"),
        *("solver", "hill_climb", "random", "agent"),
    ]
    assert [each.id for each in table.rows if each.starts_group] == ["solver"]


def test_the_found_policy_alone_is_marked(table: ContenderTable) -> None:
    assert [each.id for each in table.rows if each.is_found] == ["hill_climb"]


def test_what_was_fine_tuned_has_both_accuracies_and_the_rest_only_the_first(
    table: ContenderTable,
) -> None:
    tuned, untuned = row(table, "hill_climb"), row(table, "random")

    assert tuned.before is not None
    assert tuned.after is not None
    assert tuned.before.value < tuned.after.value
    assert untuned.before is not None
    assert untuned.after is None


def test_all_accuracies_are_of_the_same_images(table: ContenderTable) -> None:
    assert table.split == "report"


def test_a_cost_the_target_cannot_tell_is_a_dash(table: ContenderTable) -> None:
    latency = [column.metric for column in table.columns].index("latency_ms")

    assert row(table, "float").costs[latency] == "–"
    assert row(table, "uniform-8").costs[latency] != "–"


def test_every_column_says_how_it_is_known_and_which_is_the_budgets(table: ContenderTable) -> None:
    assert {column.metric: column.provenance for column in table.columns} == {
        "latency_ms": "simulated",
        "model_bytes": "counted",
        "bit_ops": "counted",
    }
    assert [column.metric for column in table.columns if column.is_budget] == ["latency_ms"]


def test_strategies_are_held_against_each_other_at_equal_effort(table: ContenderTable) -> None:
    assert table.has_equal_loss
    assert row(table, "uniform-4").equal_loss == "–"
    assert float(row(table, "agent").equal_loss) > 0


def test_ratios_are_to_fixed_eight_bit(table: ContenderTable) -> None:
    assert row(table, "uniform-8").ratio == "100\u202f%"
    assert row(table, "uniform-4").ratio == "47\u202f%"
