"""Distillation: a network learns another one's probabilities (Hinton, Vinyals and Dean 2015).

Shapes: N images, C channels, H x W pixels, K classes.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Distillation:
    """A teacher in eval mode, and how much it is listened to."""

    teacher: nn.Module
    share: float  # 0-1, of the whole loss
    temperature: float

    def blended(self, loss: Tensor, logits_NK: Tensor, images_NCHW: Tensor) -> Tensor:
        """Return a loss by labels blended with the divergence from the teacher, in nats.

        The divergence is KL(teacher || learner) at the temperature T, times T^2 so that its
        gradient keeps its size.
        """
        with torch.no_grad():
            taught_NK = self.teacher(images_NCHW)
        hot = self.temperature
        divergence = functional.kl_div(
            functional.log_softmax(logits_NK / hot, dim=1),
            functional.log_softmax(taught_NK / hot, dim=1),
            log_target=True,
            reduction="batchmean",
        )
        return (1 - self.share) * loss + self.share * hot**2 * divergence
