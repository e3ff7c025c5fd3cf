"""Batch statistics are those of the batches that were given, and nothing else moves."""

import torch
from torch import nn

from engine.training.recalibrate import recalibrate

CPU = torch.device("cpu")


def test_running_statistics_become_the_mean_over_batches() -> None:
    norm = nn.BatchNorm2d(2)
    norm.running_mean = torch.full((2,), 50.0)
    batches = [torch.randn(8, 2, 3, 3) + shift for shift in (1.0, 5.0)]

    recalibrate(norm, batches, CPU)

    means = torch.stack([batch.mean(dim=(0, 2, 3)) for batch in batches]).mean(dim=0)
    assert norm.running_mean is not None
    assert torch.allclose(norm.running_mean, means, atol=1e-5)


def test_weights_momentum_and_mode_are_as_for_use() -> None:
    norm = nn.BatchNorm2d(2, momentum=0.3)

    recalibrate(norm, [torch.randn(4, 2, 3, 3)], CPU)

    assert torch.equal(norm.weight, torch.ones(2))
    assert norm.momentum == 0.3
    assert not norm.training
