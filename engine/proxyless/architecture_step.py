"""One step of the architecture parameters: Cai et al. 2019, section 3.2."""

from collections.abc import Sequence

import torch
from torch import Tensor

from engine.proxyless.gates.draw import Draw
from engine.proxyless.mixed_op import MixedOp


class ArchitectureStep:
    """What was drawn for this step, and how the parameters move by it."""

    def __init__(
        self,
        mixed_ops: Sequence[MixedOp],
        draws: Sequence[Draw],
        *,
        places: Sequence[int],
        active: tuple[int, ...],
    ) -> None:
        self.active = active  # the path that was drawn
        self.draws = tuple(draws)
        self._places = tuple(places)
        self._mixed_ops = tuple(mixed_ops)

    def probabilities(self) -> list[Tensor]:
        """Return probabilities_P of each choice for the hardware term, differentiable.

        In `two` they are those of the drawn pair, zero elsewhere. Under the Zero rule `none` a
        block with Zero active gets no gradient by them.
        """
        mixed = [_probabilities(each, draw) for each, draw in zip(*self._pairs(), strict=True)]
        by_place = dict(zip(self._places, mixed, strict=True))
        fixed = torch.ones(1, device=mixed[0].device)
        return [by_place.get(place, fixed) for place in range(len(self.active))]

    def apply(self, optimizer: torch.optim.Optimizer) -> None:
        """Take the optimiser's step; under `two` operations not drawn keep their probability."""
        before = [_mass(each, draw) for each, draw in zip(*self._pairs(), strict=True)]
        optimizer.step()
        for each, draw, mass in zip(*self._pairs(), before, strict=True):
            if draw.mode == "two":
                rescale(each.alphas, draw.drawn, mass)

    def _pairs(self) -> tuple[tuple[MixedOp, ...], tuple[Draw, ...]]:
        return self._mixed_ops, self.draws


@torch.no_grad()
def rescale(alphas_P: Tensor, drawn: Sequence[int], mass_before: Tensor) -> None:
    """Shift the drawn parameters, in place, so that their sum of exponentials is as before.

    `mass_before` is the logarithm of that sum. What was not drawn keeps its probability.
    """
    places = list(drawn)
    alphas_P[places] -= torch.logsumexp(alphas_P[places], dim=0) - mass_before


def _mass(mixed_op: MixedOp, draw: Draw) -> Tensor:
    return torch.logsumexp(mixed_op.alphas.detach()[list(draw.drawn)], dim=0)


def _probabilities(mixed_op: MixedOp, draw: Draw) -> Tensor:
    alphas_P: Tensor = mixed_op.alphas
    if mixed_op.zero_rule == "none" and mixed_op.zero_is_active:
        alphas_P = alphas_P.detach()
    if draw.mode != "two":
        return torch.softmax(alphas_P, dim=0)
    places = list(draw.drawn)
    return torch.zeros_like(alphas_P).index_put(
        (torch.tensor(places, device=alphas_P.device),), torch.softmax(alphas_P[places], dim=0)
    )
