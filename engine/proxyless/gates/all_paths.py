"""What differentiable searches did before ProxylessNAS: every candidate at once.

For the comparison of memory alone (Cai et al. 2019, figure 1): no search here uses them, since
the maps of all candidates stay alive until the backward pass.
"""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

AllPaths = Literal["sum", "weighted"]


def all_paths(
    candidates: Sequence[nn.Module], alphas_P: Tensor, map_NCHW: Tensor, kind: AllPaths
) -> Tensor:
    """Return the sum of all candidates' maps: plain, as in one-shot models (Bender et al. 2018),
    or weighted by their probabilities, as in DARTS (Liu et al. 2019)."""
    outputs = [candidate(map_NCHW) for candidate in candidates]
    if kind == "weighted":
        weights_P = torch.softmax(alphas_P, dim=0)
        outputs = [weight * each for weight, each in zip(weights_P, outputs, strict=True)]
    total_NCHW: Tensor = outputs[0]
    for each in outputs[1:]:
        total_NCHW = total_NCHW + each
    return total_NCHW
