"""Errors are read by people: what they suggest must be possible."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.schema.errors import BudgetUnreachable, readable_limit


@pytest.mark.parametrize(
    ("limit", "downwards", "upwards"),
    [
        (41.55991, "41.5599", "41.56"),
        (3_610_208.0, "3610208", "3610208"),
        (0.000123456789, "0.000123456", "0.000123457"),
        (1e9 + 0.5, "1000000000", "1000000001"),
        (0.0, "0", "0"),
    ],
)
def test_a_limit_is_rounded_to_the_side_that_is_asked_for(
    limit: float, downwards: str, upwards: str
) -> None:
    assert readable_limit(limit) == downwards
    assert readable_limit(limit, upwards=True) == upwards


@given(st.floats(1e-6, 1e15))
def test_a_limit_that_is_read_off_a_message_can_be_asked_for(limit: float) -> None:
    assert float(readable_limit(limit)) <= limit <= float(readable_limit(limit, upwards=True))


def test_an_unreachable_budget_names_what_can_be_reached() -> None:
    error = BudgetUnreachable(metric="latency_ms", limit=3, lowest=41.55991)

    assert str(error) == (
        "budgets: latency_ms of 3 is below the lowest this model reaches on this target, 41.56; "
        "ask for at least that"
    )
