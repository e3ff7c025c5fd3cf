"""Proxyless-G: the gates' gradient, Cai et al. 2019, sections 3.2 and 3.3."""

import math

import torch
from torch import Tensor
from torch.nn import functional

from engine.proxyless.architecture_learner import ArchitectureLearner, ArchitectureStats
from engine.schema.errors import Diverged

_HALF_SCALE = 2.0**10  # of the loss under fp16; Adam does not care for it


class GradientLearner(ArchitectureLearner):
    """Steps down the cross-entropy and the hardware term, by the gates."""

    def step(self, number: int) -> ArchitectureStats:
        """Take step `number`, from 0."""
        images_NCHW, labels_N = self._batch(number, self._config.effort.batch_size)
        supernet, mode = self._supernet, self._config.gate_mode
        supernet.train()
        with supernet.architecture_step(
            mode, self._generator, zero_rule=self._config.zero_gradient
        ) as step:
            with self._mixed.autocast():
                logits_NK = supernet(images_NCHW)
                cross_entropy = functional.cross_entropy(logits_NK, labels_N)
            shares_B = self._exact(self._shares(step.probabilities()))
            loss = self.term.loss(cross_entropy, list(shares_B))
            if not math.isfinite(loss.item()):
                raise Diverged(number + 1, "the architecture's loss")
            self._backward(loss)
            self._require_finite_gradients(number)
            step.apply(self._optimiser)
        self.term.observe(self.expected_shares())
        return ArchitectureStats(
            loss=cross_entropy.item(),
            accuracy=(logits_NK.argmax(1) == labels_N).float().mean().item(),
        )

    def _exact(self, drawn_B: Tensor) -> Tensor:
        """Give shares whose gradient is that of the drawn operations their exact value.

        Under `two` the expectation over the drawn pairs is an estimate that swings from step to
        step; whether a budget is overdrawn is not to hang on it.
        """
        exact_B = torch.tensor(self.expected_shares(), device=self._device)
        return drawn_B + (exact_B - drawn_B).detach()

    def _backward(self, loss: Tensor) -> None:
        scale = _HALF_SCALE if self._config.precision == "fp16" else 1.0
        (loss * scale).backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        if scale == 1.0:
            return
        for alphas_P in self._supernet.architecture_parameters():
            if alphas_P.grad is not None:
                alphas_P.grad = torch.nan_to_num(alphas_P.grad, 0.0, 0.0, 0.0) / scale
