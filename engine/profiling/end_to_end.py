"""How sums of rows relate to whole networks: time = alpha x sum + beta, and how well that holds."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.schema.cost_table import EndToEnd, SampledNetwork

_FEWEST = 5  # networks, for two numbers and an error
_Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredNetwork:
    """A network's time beside the sum of its rows."""

    label: str
    choices: tuple[int, ...]
    sum_ms: float
    measured_ms: float


def fit_end_to_end(networks: Sequence[MeasuredNetwork]) -> EndToEnd | None:
    """Return the correction that makes relative errors least; None: too few networks.

    The error that is reported is of networks left out of their own fit.
    """
    if len(networks) < _FEWEST:
        return None
    sums = np.array([network.sum_ms for network in networks])
    measured = np.array([network.measured_ms for network in networks])
    alpha, beta = _fit(sums, measured)
    left_out = np.array([_predict_left_out(sums, measured, one) for one in range(len(networks))])
    residual = float(np.square(measured - left_out).sum())
    spread = float(np.square(measured - measured.mean()).sum())
    return EndToEnd(
        alpha=alpha,
        beta_ms=beta,
        r2=1 - residual / spread if spread else 0.0,
        kendall_tau=kendall_tau(sums, measured),
        mean_error=float(np.abs(left_out / measured - 1).mean()),
        networks=tuple(
            SampledNetwork(
                label=network.label,
                choices=network.choices,
                sum_ms=network.sum_ms,
                predicted_ms=alpha * network.sum_ms + beta,
                measured_ms=network.measured_ms,
            )
            for network in networks
        ),
    )


def kendall_tau(one: _Floats, other: _Floats) -> float:
    """Return how alike two lists rank, -1 to 1 (Kendall 1945, tau-b)."""
    above = np.triu_indices(len(one), 1)
    signs_one = np.sign(one[:, None] - one[None, :])[above]
    signs_other = np.sign(other[:, None] - other[None, :])[above]
    ties = np.sqrt(np.abs(signs_one).sum() * np.abs(signs_other).sum())
    return float((signs_one * signs_other).sum() / ties) if ties else 0.0


def _fit(sums: _Floats, measured: _Floats) -> tuple[float, float]:
    """Return alpha and beta of least squares of relative errors; beta is not negative."""
    design = np.stack([sums / measured, 1 / measured], axis=1)
    (alpha, beta), *_ = np.linalg.lstsq(design, np.ones(len(sums)), rcond=None)
    if beta > 0 and alpha > 0:
        return float(alpha), float(beta)
    # A network without layers takes no time, rather than less than none.
    ratios = sums / measured
    return float(ratios.sum() / np.square(ratios).sum()), 0.0


def _predict_left_out(sums: _Floats, measured: _Floats, one: int) -> float:
    others = np.arange(len(sums)) != one
    alpha, beta = _fit(sums[others], measured[others])
    return float(alpha * sums[one] + beta)
