"""Distillation: what a learner is pulled towards, and that a trainer follows it."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.training.distillation import Distillation

IMAGES = torch.randn(4, 1, 2, 2, generator=torch.Generator().manual_seed(0))


class Fixed(nn.Module):
    """Gives every image the same logits, and counts how often it was asked."""

    def __init__(self, logits: list[float]) -> None:
        super().__init__()
        self.logits = nn.Parameter(torch.tensor(logits))
        self.asked = 0

    def forward(self, x: Tensor) -> Tensor:
        self.asked += 1
        return self.logits.expand(len(x), -1)


def distillation(*, share: float = 1.0, temperature: float = 1.0) -> Distillation:
    return Distillation(teacher=Fixed([2.0, 0.0, -1.0]), share=share, temperature=temperature)


def test_the_divergence_is_that_of_the_probabilities() -> None:
    logits_NK = torch.tensor([[0.5, 0.2, 0.0]]).expand(4, -1)
    taught = functional.softmax(torch.tensor([2.0, 0.0, -1.0]) / 2, dim=0)
    learnt = functional.softmax(logits_NK[0] / 2, dim=0)

    found = distillation(temperature=2.0).blended(torch.tensor(9.0), logits_NK, IMAGES)

    wanted = 4 * float((taught * (taught / learnt).log()).sum())
    assert abs(found.item() - wanted) < 1e-5


def test_a_learner_that_agrees_loses_nothing() -> None:
    logits_NK = torch.tensor([2.0, 0.0, -1.0]).expand(4, -1)

    loss = distillation(temperature=3.0).blended(torch.tensor(9.0), logits_NK, IMAGES)

    assert abs(loss.item()) < 1e-6


def test_the_share_blends_it_with_the_loss_by_labels() -> None:
    logits_NK = torch.randn(4, 3, generator=torch.Generator().manual_seed(1))
    whole = distillation().blended(torch.tensor(2.0), logits_NK, IMAGES)

    quarter = distillation(share=0.25).blended(torch.tensor(2.0), logits_NK, IMAGES)

    assert torch.allclose(quarter, 0.75 * 2.0 + 0.25 * whole)


def test_the_teacher_does_not_learn() -> None:
    logits_NK = torch.zeros(4, 3, requires_grad=True)
    taught = distillation()

    taught.blended(torch.tensor(0.0), logits_NK, IMAGES).backward()

    assert logits_NK.grad is not None
    assert logits_NK.grad.abs().sum() > 0
    assert isinstance(taught.teacher, Fixed)
    assert taught.teacher.logits.grad is None
    assert taught.teacher.asked == 1
