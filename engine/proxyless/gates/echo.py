"""Gate gradients with one path in memory: the other operations are tried in the backward pass.

The active operation runs before and outside, as any module does. The echo hands its output on; in
its backward pass it hands the gradient on too, and tries the other drawn operations one by one on
the block's input. Nothing runs backward inside a backward pass, which distributed training needs.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

Operation = Callable[[Tensor], Tensor]


def echo(
    gates_P: Tensor,
    input_NCHW: Tensor,
    output_NCHW: Tensor,
    *,
    active: int | None,
    others: dict[int, Operation],
) -> Tensor:
    """Return the output, through which gates get dL/dg_j = sum(dL/dy o_j(x)).

    `active` is the place of the operation that made the output, None if its output is zero;
    `others` are those to try.
    """
    output: Tensor = _Echo.apply(gates_P, input_NCHW, output_NCHW, active, others)
    return output


def gate_gradient(by_output_NCHW: Tensor, output_NCHW: Tensor) -> Tensor:
    """Return sum(dL/dy o), in single precision at least; shape ()."""
    if output_NCHW.dtype in (torch.float16, torch.bfloat16):
        return (by_output_NCHW.float() * output_NCHW.float()).sum()
    return (by_output_NCHW * output_NCHW).sum()


class _Echo(torch.autograd.Function):
    @staticmethod
    def forward(  # noqa: PLR0917  # torch passes no keywords
        ctx: Any,  # Any: torch's context
        gates_P: Tensor,
        input_NCHW: Tensor,
        output_NCHW: Tensor,
        active: int | None,
        others: dict[int, Operation],
    ) -> Tensor:
        kept = (input_NCHW,) if active is None else (input_NCHW, output_NCHW)
        ctx.save_for_backward(gates_P, *kept)
        ctx.active, ctx.others = active, others
        device = input_NCHW.device.type
        ctx.autocast = torch.autocast(
            device,
            dtype=torch.get_autocast_dtype(device),
            enabled=torch.is_autocast_enabled(device),
        )
        return output_NCHW.view_as(output_NCHW)

    @staticmethod
    def backward(  # Any: as above
        ctx: Any, *gradients: Tensor
    ) -> tuple[Tensor, None, Tensor, None, None]:
        gates_P, input_NCHW, *output = ctx.saved_tensors
        (by_output_NCHW,) = gradients
        by_gate_P = torch.zeros_like(gates_P)
        if output:
            by_gate_P[ctx.active] = gate_gradient(by_output_NCHW, output[0])
        for place, operation in ctx.others.items():
            with torch.no_grad(), ctx.autocast:
                tried_NCHW = operation(input_NCHW)
            by_gate_P[place] = gate_gradient(by_output_NCHW, tried_NCHW)
        return by_gate_P, None, by_output_NCHW, None, None
