"""How the architecture parameters learn, by whichever algorithm: their optimiser, costs and images.

Cai et al. 2019, section 3.3. Adam has no memory of earlier gradients (beta1 of nought): a parameter
whose gradient is zero, since its operation was not drawn, must not move.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.data.image_set import ImageSet
from engine.proxyless.hardware_loss import Dual, HardwareTerm
from engine.proxyless.priced_space import PricedSpace
from engine.proxyless.supernet import SuperNet
from engine.schema.errors import Diverged
from engine.schema.search_config import SearchConfig
from engine.training.checkpoint import State
from engine.training.precision import Mixed
from engine.training.seed import torch_generator

_BETAS = (0.0, 0.999)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchitectureStats:
    """What one step of the architecture parameters saw."""

    loss: float  # cross-entropy in nats, of the drawn network or the mean over those drawn
    accuracy: float  # 0-1
    reward: float | None = None  # REINFORCE: mean over the drawn networks


class ArchitectureLearner(ABC):
    """Moves the architecture parameters, a step at a time: what both algorithms share."""

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

    @abstractmethod
    def step(self, number: int) -> ArchitectureStats:
        """Take step `number`, from 0.

        Raises:
            Diverged: the loss or its gradient left the finite range; nothing was changed.
        """

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
