"""REINFORCE over architectures: Cai et al. 2019, section 3.3.1; the paper's Proxyless-R.

One update draws some architectures, rates each on the same images, and moves the parameters by
mean over k of (r_k - b) grad(-log p_k): Williams 1992.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

_BASELINE_STEP = 0.99  # on the new value, as in the released code


class Baseline:
    """What rewards are compared with.

    Its step is on the new value and it moves before it is used, so that it is nearly the mean of
    the update's own rewards. A slow average over updates, the usual choice, it is not.
    """

    def __init__(self) -> None:
        self.value: float | None = None

    def moved(self, rewards: Sequence[float]) -> float:
        """Take in an update's rewards and return the baseline for them."""
        mean = sum(rewards) / len(rewards)
        before = mean if self.value is None else self.value
        self.value = before + _BASELINE_STEP * (mean - before)
        return self.value


def policy_loss(log_probabilities_M: Tensor, rewards: Sequence[float], baseline: float) -> Tensor:
    """Return what is to be minimised; its gradient is the policy gradient, negated; shape ()."""
    advantages_M = torch.tensor(
        [reward - baseline for reward in rewards],
        dtype=log_probabilities_M.dtype,
        device=log_probabilities_M.device,
    )
    return -(advantages_M * log_probabilities_M).mean()
