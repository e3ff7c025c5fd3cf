"""The learning rate of the weights, step by step: Cai et al. 2019, in the released code."""

import math


def cosine(step: int, total: int, *, peak: float) -> float:
    """Return half a cosine from the peak at step 0 to nought at step `total`."""
    return 0.5 * peak * (1 + math.cos(math.pi * step / total))
