"""When weights and architecture learn, and how fast: Cai et al. 2019, in the released code."""

import math

from engine.schema.search_config import SearchConfig


def cosine(step: int, total: int, *, peak: float) -> float:
    """Return half a cosine from the peak at step 0 to nought at step `total`."""
    return 0.5 * peak * (1 + math.cos(math.pi * step / total))


def architecture_stride(config: SearchConfig) -> int:
    """Return how many batches of the weights go by for each step of the architecture."""
    effort = config.effort
    by_policy = config.algorithm == "reinforce"
    return effort.policy_every if by_policy else effort.architecture_every


def architecture_steps(config: SearchConfig, batches_an_epoch: int) -> int:
    """Return how many steps the architecture takes in a whole search."""
    learning_epochs = config.effort.epochs - config.effort.frozen_epochs
    return learning_epochs * batches_an_epoch // architecture_stride(config)
