"""How the architecture parameters learn: by the gates' gradient, or by REINFORCE.

Cai et al. 2019, sections 3.2, 3.3 and 3.3.1. Adam has no memory of earlier gradients (beta1 of
nought): a parameter whose gradient is zero, since its operation was not drawn, must not move.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

from engine.data.image_set import ImageSet
from engine.proxyless.hardware_loss import Dual, HardwareTerm
from engine.proxyless.priced_space import PricedSpace
from engine.proxyless.reinforce import Baseline, policy_loss
from engine.proxyless.supernet import SuperNet
from engine.schema.configs import SearchConfig
from engine.schema.errors import Diverged
from engine.training.checkpoint import State
from engine.training.precision import Mixed
from engine.training.seed import torch_generator

_BETAS = (0.0, 0.999)
_HALF_SCALE = 2.0**10  # of the loss under fp16; Adam does not care for it


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchitectureStats:
    """What one step of the architecture parameters saw."""

    loss: float  # cross-entropy in nats, of the drawn network or the mean over those drawn
    accuracy: float  # 0-1
    images: int
    reward: float | None = None  # REINFORCE: mean over the drawn networks


class ArchitectureLearner(Protocol):
    """Moves the architecture parameters, a step at a time."""

    def step(self, number: int) -> ArchitectureStats:
        """Take step `number`, from 0.

        Raises:
            Diverged: the loss or its gradient left the finite range; nothing was changed.
        """
        ...

    def expected_shares(self) -> list[float]:
        """Return the expected cost under the probabilities, as a share of each budget."""
        ...

    @property
    def term(self) -> HardwareTerm:
        """How costs are weighed."""
        ...

    def state(self) -> State:
        """Return all that later steps depend on."""
        ...

    def restore(self, state: State) -> None:
        """Go back to where `state` was taken."""
        ...


class _Learner:
    """What both algorithms share."""

    def __init__(
        self,
        supernet: SuperNet,
        images: ImageSet,
        *,
        config: SearchConfig,
        priced: PricedSpace,
        term: HardwareTerm,
        device: torch.device,
    ) -> None:
        self._supernet = supernet
        self._images = images
        self._config = config
        self.term = term
        self._device = device
        self._mixed = Mixed(config.precision, device)
        self._optimiser = torch.optim.Adam(
            supernet.architecture_parameters(),
            lr=config.effort.architecture_learning_rate,
            betas=_BETAS,
            foreach=device.type == "cuda",
        )
        self._generator = torch_generator(config.seed, "architecture")
        self._limits = [budget.limit for budget in priced.budgets]
        self._fixed = [table.fixed for table in priced.tables]
        # Of all operations in a row; shape (budgets, operations).
        self._costs_BO = torch.stack(
            [
                torch.cat([torch.from_numpy(row).float() for row in table.blocks])
                for table in priced.tables
            ]
        ).to(device)
        self._batches: Iterator[tuple[Tensor, Tensor]] | None = None

    def expected_shares(self) -> list[float]:
        """Return the expected cost under the probabilities, as a share of each budget."""
        return self._shares(self._supernet.probabilities()).tolist()

    def state(self) -> State:
        """Return all that later steps depend on."""
        return {
            "optimiser": self._optimiser.state_dict(),
            "generator": self._generator.get_state(),
            "multipliers": list(self.term.multipliers),
        }

    def restore(self, state: State) -> None:
        """Go back to where `state` was taken."""
        self._optimiser.load_state_dict(state["optimiser"])
        self._generator.set_state(state["generator"])
        if isinstance(self.term, Dual):
            self.term.multipliers = state["multipliers"]
        self._batches = None

    def _require_finite_gradients(self, number: int) -> None:
        """Refuse gradients after which nothing could be drawn any more.

        A loss tells of the active path alone: what the others give may have overflowed.
        """
        parameters = self._supernet.architecture_parameters()
        gradients = [each.grad for each in parameters if each.grad is not None]
        if not bool(torch.isfinite(torch.cat(gradients)).all()):
            raise Diverged(number + 1, "a gradient of the architecture's loss")

    def _shares(self, probabilities: Sequence[Tensor]) -> Tensor:
        """Return E / R by budget, differentiable; shape (budgets,)."""
        row_O = torch.cat(list(probabilities)).to(self._device)
        limits_B = torch.tensor(self._limits, device=self._device)
        fixed_B = torch.tensor(self._fixed, device=self._device)
        return (fixed_B + self._costs_BO @ row_O) / limits_B

    def _batch(self, number: int, size: int) -> tuple[Tensor, Tensor]:
        """Return batch `number` of an endless, shuffled walk over the search images."""
        limit = self._config.effort.search_images
        a_pass = min(limit, len(self._images)) // size  # whole batches only
        passes, place = divmod(number, a_pass)
        if self._batches is None or place == 0:
            self._batches = self._images.batches(
                size,
                generator=torch_generator(self._config.seed, "search", passes),
                limit=limit,
                start=place,
            )
        images_NCHW, labels_N = next(self._batches)
        return images_NCHW.to(self._device), labels_N.to(self._device)


class GradientLearner(_Learner):
    """Proxyless-G: one step down the cross-entropy and the hardware term, by the gates."""

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
            images=len(labels_N),
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


class ReinforceLearner(_Learner):
    """Proxyless-R: draws some networks, rates them on one batch, follows the policy gradient."""

    def __init__(
        self,
        supernet: SuperNet,
        images: ImageSet,
        *,
        config: SearchConfig,
        priced: PricedSpace,
        term: HardwareTerm,
        device: torch.device,
    ) -> None:
        super().__init__(supernet, images, config=config, priced=priced, term=term, device=device)
        self._priced = priced
        self._baseline = Baseline()

    def step(self, number: int) -> ArchitectureStats:
        """Take step `number`, from 0."""
        effort, supernet = self._config.effort, self._supernet
        expected = self.expected_shares()
        images_NCHW, labels_N = self._batch(number, effort.policy_images)
        supernet.train()
        rewards, losses, accuracies, log_probabilities = [], [], [], []
        with supernet.frozen_statistics():
            for _ in range(effort.policy_samples):
                choices = supernet.sample(self._generator)
                with torch.no_grad(), self._mixed.autocast():
                    logits_NK = supernet(images_NCHW)
                losses.append(functional.cross_entropy(logits_NK.float(), labels_N).item())
                accuracies.append((logits_NK.argmax(1) == labels_N).float().mean().item())
                uses = self._priced.uses(choices)
                rewards.append(self.term.reward(accuracies[-1], uses, expected))
                log_probabilities.append(supernet.log_probability(choices))
        if not all(math.isfinite(loss) for loss in losses):
            raise Diverged(number + 1, "the drawn networks' loss")
        loss = policy_loss(torch.stack(log_probabilities), rewards, self._baseline.moved(rewards))
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        self._require_finite_gradients(number)
        self._optimiser.step()
        self.term.observe(self.expected_shares())
        return ArchitectureStats(
            loss=sum(losses) / len(losses),
            accuracy=sum(accuracies) / len(accuracies),
            images=len(labels_N),
            reward=sum(rewards) / len(rewards),
        )

    def state(self) -> State:
        """Return all that later steps depend on."""
        return {**super().state(), "baseline": self._baseline.value}

    def restore(self, state: State) -> None:
        """Go back to where `state` was taken."""
        super().restore(state)
        self._baseline.value = state["baseline"]


def architecture_learner(
    supernet: SuperNet,
    images: ImageSet,
    *,
    config: SearchConfig,
    priced: PricedSpace,
    term: HardwareTerm,
    device: torch.device,
) -> ArchitectureLearner:
    """Return the algorithm that a config asks for, at its beginning."""
    kind = ReinforceLearner if config.algorithm == "reinforce" else GradientLearner
    return kind(supernet, images, config=config, priced=priced, term=term, device=device)
