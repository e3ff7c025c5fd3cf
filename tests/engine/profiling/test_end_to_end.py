"""The correction from sums of rows to whole networks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.profiling.end_to_end import MeasuredNetwork, fit_end_to_end, kendall_tau

milliseconds = st.floats(0.1, 100)


def networks(sums: list[float], measured: list[float]) -> list[MeasuredNetwork]:
    return [
        MeasuredNetwork(label=str(index), choices=(), sum_ms=one, measured_ms=other)
        for index, (one, other) in enumerate(zip(sums, measured, strict=True))
    ]


@given(
    sums=st.lists(milliseconds, min_size=6, max_size=20, unique_by=lambda ms: round(ms, 1)),
    alpha=st.floats(0.3, 2),
    beta=st.floats(0.01, 5),
)
def test_what_holds_exactly_is_found(sums: list[float], alpha: float, beta: float) -> None:
    fit = fit_end_to_end(networks(sums, [alpha * one + beta for one in sums]))

    assert fit is not None
    assert fit.alpha == pytest.approx(alpha, rel=1e-5)
    assert fit.beta_ms == pytest.approx(beta, rel=1e-4)
    assert fit.mean_error < 1e-5
    assert fit.r2 == pytest.approx(1)
    assert fit.kendall_tau == pytest.approx(1)
    assert [one.predicted_ms for one in fit.networks] == pytest.approx(
        [one.measured_ms for one in fit.networks]
    )


def test_a_network_without_layers_takes_no_less_than_nothing() -> None:
    sums = [1.0, 2.0, 3.0, 4.0, 5.0]

    fit = fit_end_to_end(networks(sums, [one - 0.5 for one in sums]))

    assert fit is not None
    assert fit.beta_ms == 0
    assert 0.5 < fit.alpha < 0.9


def test_the_error_is_of_networks_left_out() -> None:
    sums, measured = [1.0, 2.0, 3.0, 4.0, 10.0], [1.0, 2.0, 3.0, 4.0, 20.0]

    fit = fit_end_to_end(networks(sums, measured))

    assert fit is not None
    # Without the last, the others say exactly 10; it alone is half wrong.
    assert fit.mean_error >= 0.5 / 5


def test_too_few_networks_fit_nothing() -> None:
    assert fit_end_to_end(networks([1.0, 2.0], [1.0, 2.0])) is None


@pytest.mark.parametrize(
    ("other", "tau"),
    [([1, 2, 3, 4], 1), ([4, 3, 2, 1], -1), ([1, 3, 2, 4], 2 / 3), ([1, 1, 2, 2], 4 / 24**0.5)],
)
def test_kendalls_tau_counts_pairs_in_order(other: list[float], tau: float) -> None:
    assert kendall_tau(np.array([1.0, 2, 3, 4]), np.array(other, float)) == pytest.approx(tau)
