"""Batch statistics of a network's own, for weights that learnt under other statistics."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn


def recalibrate(model: nn.Module, batches: Iterable[Tensor], device: torch.device) -> None:
    """Replace the running statistics of batch norm by the mean over batches of images_NCHW.

    A path of a supernet needs that before it can be judged: the running statistics there mix all
    paths (Yu and Huang 2019, post-statistics). The network is left in eval mode.
    """
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # torch's word for a plain mean over batches
    model.train()
    with torch.no_grad():
        for images_NCHW in batches:
            model(images_NCHW.to(device))
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    model.eval()
