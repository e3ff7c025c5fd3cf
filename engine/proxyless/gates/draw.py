"""Which operations of a block an architecture step looks at, and which of them is active."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

GateMode = Literal["two", "full", "full_v2"]
ZeroRule = Literal["all", "regulariser", "none"]

_LEAST = 1e-12  # keeps every operation drawable when a softmax has run to its end


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """One block's draw for one architecture step."""

    mode: GateMode
    active: int  # computes the block's output
    drawn: tuple[int, ...]  # whose parameters learn; the active one among them


def sample_active(alphas: list[Tensor], generator: torch.Generator) -> tuple[int, ...]:
    """Draw one operation of each block by its probability, independently."""
    drawn_B1 = torch.multinomial(_drawable(alphas), 1, generator=generator)
    return tuple(drawn_B1.flatten().tolist())


def draw_gates(
    alphas: list[Tensor], mode: GateMode, generator: torch.Generator
) -> tuple[Draw, ...]:
    """Draw the gates of each block: Cai et al. 2019, sections 3.2 and 3.2.1.

    `two` draws two operations without replacement, then the active one by the softmax over the
    two; the other modes draw the active one among all.
    """
    if mode != "two":
        active = sample_active(alphas, generator)
        return tuple(
            Draw(mode=mode, active=each, drawn=tuple(range(len(alphas_P))))
            for each, alphas_P in zip(active, alphas, strict=True)
        )
    pairs_B2 = torch.multinomial(_drawable(alphas), 2, generator=generator)
    uniform_B = torch.rand(len(alphas), generator=generator)
    pairs_alpha_B2 = _padded(alphas).gather(1, pairs_B2)
    is_second_B = uniform_B < torch.softmax(pairs_alpha_B2, dim=1)[:, 1]
    return tuple(
        Draw(mode=mode, active=pair[int(is_second)], drawn=(min(pair), max(pair)))
        for pair, is_second in zip(pairs_B2.tolist(), is_second_B.tolist(), strict=True)
    )


def _drawable(alphas: list[Tensor]) -> Tensor:
    padded_BP = _padded(alphas)
    likely_BP = torch.softmax(padded_BP, dim=1).clamp(min=_LEAST)
    return torch.where(padded_BP == -torch.inf, 0.0, likely_BP)


def _padded(alphas: list[Tensor]) -> Tensor:
    # All blocks at once: one draw, and one copy from a GPU.
    padded_BP = torch.nn.utils.rnn.pad_sequence(
        [alphas_P.detach() for alphas_P in alphas], batch_first=True, padding_value=-torch.inf
    )
    return padded_BP.cpu()
