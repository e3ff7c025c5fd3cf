"""Proxyless-R: REINFORCE over architectures, Cai et al. 2019, section 3.3.1."""

import math

import torch
from torch.nn import functional

from engine.data.image_set import ImageSet
from engine.proxyless.architecture_learner import ArchitectureLearner, ArchitectureStats
from engine.proxyless.hardware_loss import HardwareTerm
from engine.proxyless.priced_space import PricedSpace
from engine.proxyless.reinforce import Baseline, policy_loss
from engine.proxyless.supernet import SuperNet
from engine.schema.errors import Diverged
from engine.schema.search_config import SearchConfig
from engine.training.checkpoint import State


class ReinforceLearner(ArchitectureLearner):
    """Draws some networks, rates them on one batch, follows the policy gradient."""

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
            reward=sum(rewards) / len(rewards),
        )

    def state(self) -> State:
        """Return all that later steps depend on."""
        return {**super().state(), "baseline": self._baseline.value}

    def restore(self, state: State) -> None:
        """Go back to where `state` was taken."""
        super().restore(state)
        self._baseline.value = state["baseline"]
