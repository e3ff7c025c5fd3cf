"""One-hot gates whose gradient goes to the architecture parameters: Cai et al. 2019, eq. 4."""

from typing import Any

import torch
from torch import Tensor

from engine.proxyless.gates.draw import Draw


def binary_gates(alphas_P: Tensor, draw: Draw) -> Tensor:
    """Return gates_P: one for the active operation, zero for the rest.

    A gradient G of the gates comes out as p_i (G_i - sum_j p_j G_j) for the drawn operations,
    p being the softmax over them, and as zero for the others.
    """
    gates_P: Tensor = _BinaryGate.apply(alphas_P, draw)
    return gates_P


class _BinaryGate(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, alphas_P: Tensor, draw: Draw) -> Tensor:  # Any: torch's context
        ctx.drawn = list(draw.drawn)
        ctx.save_for_backward(torch.softmax(alphas_P[ctx.drawn], dim=0))
        gates_P = torch.zeros_like(alphas_P)
        gates_P[draw.active] = 1.0
        return gates_P

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:  # Any: as above
        (probabilities_D,) = ctx.saved_tensors
        (by_gate_P,) = gradients
        by_gate_D = by_gate_P[ctx.drawn]
        by_alpha_P = torch.zeros_like(by_gate_P)
        by_alpha_P[ctx.drawn] = probabilities_D * (by_gate_D - probabilities_D @ by_gate_D)
        return by_alpha_P, None
