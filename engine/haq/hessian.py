"""What a layer's widths lose by the curvature of the loss: HAWQ-V2 (Dong et al. 2020).

The loss of a trained network is flat where it stands, so a small error of a layer adds half its
curvature times the squared error: the mean trace of the Hessian / 2 x ||Q(x) - x||^2, in nats.
Traces are estimated without the Hessian: for signs v drawn at random, v' H v has the trace as its
mean (Hutchinson 1989). One pass back and another give it for all layers at once; what their
operands do to one another averages out.

Shapes: N images, K classes.
"""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.haq.grid import Grids
from engine.haq.sensitivity import Widths
from engine.schema.errors import Diverged
from engine.schema.results import LayerSensitivity

ROUNDS = 50  # of random signs, at most
_FEWEST_ROUNDS = 5
_TOLERANCE = 0.01  # relative standard error of the summed traces, at which the rounds end


class HessianPass:
    """Knows every layer's curvature and input; tells what its widths lose."""

    def __init__(
        self,
        network: nn.Module,
        names: Sequence[str],
        *,
        grids: Grids,
        images_NCHW: Tensor,
        labels_N: Tensor,
        generator: torch.Generator,
        rounds: int = ROUNDS,
    ) -> None:
        self._grids = grids
        modules = {name: network.get_submodule(name) for name in names}
        self._inputs: dict[str, Tensor] = {}
        self._weights = {name: module.get_parameter("weight") for name, module in modules.items()}
        was_training = network.training
        network.eval()
        loss = self._loss(network, modules, images_NCHW, labels_N)
        network.train(was_training)
        operands = [*self._weights.values(), *self._inputs.values()]
        traces = mean_traces(loss, operands, generator=generator, rounds=rounds)
        self._weight_curvatures = dict(zip(names, traces[: len(names)], strict=True))
        self._input_curvatures = dict(zip(names, traces[len(names) :], strict=True))

    def measure(self, name: str, widths: Widths) -> LayerSensitivity:
        """Return what one layer adds, in nats."""
        grid = self._grids[name]
        return LayerSensitivity(
            layer=name,
            weight_losses=_added(
                self._weights[name].detach(),
                self._weight_curvatures[name],
                widths.weight_bits,
                grid.rounded_weight,
            ),
            activation_losses=_added(
                self._inputs[name].detach(),
                self._input_curvatures[name],
                widths.activation_bits,
                grid.rounded_input,
            ),
        )

    def _loss(
        self,
        network: nn.Module,
        modules: dict[str, nn.Module],
        images_NCHW: Tensor,
        labels_N: Tensor,
    ) -> Tensor:
        """Return the mean cross-entropy; the layers' inputs are noted on the way."""

        def note(name: str, inputs: tuple[Tensor, ...]) -> tuple[Tensor]:
            # A copy: an operation behind may write to the tensor. It is what the layer reads.
            (x,) = inputs
            self._inputs[name] = x.clone() if x.requires_grad else x.clone().requires_grad_()
            return (self._inputs[name],)

        handles = [
            module.register_forward_pre_hook(lambda _, inputs, name=name: note(name, inputs))
            for name, module in modules.items()
        ]
        try:
            with torch.enable_grad():
                return functional.cross_entropy(network(images_NCHW), labels_N)
        finally:
            for handle in handles:
                handle.remove()


def mean_traces(
    loss: Tensor, operands: Sequence[Tensor], *, generator: torch.Generator, rounds: int = ROUNDS
) -> list[float]:
    """Return for each operand the trace of the loss's Hessian over the operand's size.

    Raises:
        Diverged: a trace is not finite.
    """
    gradients = torch.autograd.grad(loss, operands, create_graph=True)
    sums = torch.zeros(len(operands), dtype=torch.float64)
    totals: list[float] = []
    for done in range(1, rounds + 1):
        signs = [_signs(each, generator) for each in operands]
        products = torch.autograd.grad(gradients, operands, signs, retain_graph=done < rounds)
        curved = [float((v * hv).sum()) for v, hv in zip(signs, products, strict=True)]
        sums += torch.tensor(curved, dtype=torch.float64)
        totals.append(sum(curved))
        if done >= _FEWEST_ROUNDS and _is_settled(totals):
            break
    sizes = torch.tensor([each.numel() for each in operands], dtype=torch.float64)
    means: list[float] = (sums / len(totals) / sizes).tolist()
    if not all(math.isfinite(mean) for mean in means):
        raise Diverged(0, "the curvature of the loss")
    return means


def _added(
    x: Tensor, curvature: float, widths: Sequence[int], rounded: Callable[[Tensor, int], Tensor]
) -> dict[str, float]:
    # Estimated from few signs, a flat layer's curvature can come out below zero.
    bent = max(curvature, 0.0) / 2
    return {str(bits): bent * float((rounded(x, bits) - x).square().sum()) for bits in widths}


def _signs(like: Tensor, generator: torch.Generator) -> Tensor:
    drawn = torch.randint(0, 2, like.shape, generator=generator).to(like)
    return drawn.mul_(2).sub_(1)


def _is_settled(totals: Sequence[float]) -> bool:
    values = torch.tensor(totals, dtype=torch.float64)
    error = values.std() / len(values) ** 0.5
    return bool(error <= _TOLERANCE * values.mean().abs())
