"""The two networks of HAQ's agent, with their gradients written out.

They are so small that autograd's bookkeeping takes longer than the arithmetic. A trace keeps what
each layer read; from it the gradients are a few products of matrices. A network's parameters, and
their gradients, are stretches of one tensor, so an optimiser's step is one pass over memory.

Shapes: S entries of a state, K transitions of a batch, H hidden units.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """What a pass through a network came by."""

    states_KS: Tensor
    actions_K1: Tensor  # what the actor gave, or what the critic read
    first_KH: Tensor  # hidden units, rectified
    second_KH: Tensor
    values_K1: Tensor  # what the critic gave; of an actor its actions


class Actor(nn.Module):
    """From a state to an action in 0 .. 1."""

    def __init__(self, state_size: int, hidden: int) -> None:
        super().__init__()
        self.state = nn.Linear(state_size, hidden)
        self.middle = nn.Linear(hidden, hidden)
        self.action = nn.Linear(hidden, 1)

    def forward(self, states_KS: Tensor) -> Tensor:
        """Return actions of shape (K, 1)."""
        return self.trace(states_KS).actions_K1

    def trace(self, states_KS: Tensor) -> Trace:
        """Return the actions and what led to them."""
        first_KH = self.state(states_KS).relu_()
        second_KH = self.middle(first_KH).relu_()
        actions_K1 = self.action(second_KH).sigmoid_()
        return Trace(states_KS, actions_K1, first_KH, second_KH, actions_K1)

    @torch.no_grad()
    def fill_gradients(self, trace: Trace, by_action_K1: Tensor) -> None:
        """Set the parameters' gradients, given the loss's gradient by the actions."""
        slope_K1 = trace.actions_K1 * (1 - trace.actions_K1)
        by_second_KH = _fill(self.action, trace.second_KH, by_action_K1 * slope_K1)
        by_first_KH = _fill(self.middle, trace.first_KH, _rectified(by_second_KH, trace.second_KH))
        _fill_last(self.state, trace.states_KS, _rectified(by_first_KH, trace.first_KH))


class Critic(nn.Module):
    """From a state and an action to the return to expect."""

    def __init__(self, state_size: int, hidden: int) -> None:
        super().__init__()
        self.state = nn.Linear(state_size, hidden)
        self.action = nn.Linear(1, hidden)
        self.middle = nn.Linear(hidden, hidden)
        self.value = nn.Linear(hidden, 1)

    def forward(self, states_KS: Tensor, actions_K1: Tensor) -> Tensor:
        """Return values of shape (K, 1)."""
        return self.trace(states_KS, actions_K1).values_K1

    def trace(self, states_KS: Tensor, actions_K1: Tensor) -> Trace:
        """Return the values and what led to them."""
        first_KH = (self.state(states_KS) + self.action(actions_K1)).relu_()
        second_KH = self.middle(first_KH).relu_()
        return Trace(states_KS, actions_K1, first_KH, second_KH, self.value(second_KH))

    @torch.no_grad()
    def fill_gradients(self, trace: Trace, by_value_K1: Tensor) -> None:
        """Set the parameters' gradients, given the loss's gradient by the values."""
        by_second_KH = _fill(self.value, trace.second_KH, by_value_K1)
        by_first_KH = _fill(self.middle, trace.first_KH, _rectified(by_second_KH, trace.second_KH))
        by_sum_KH = _rectified(by_first_KH, trace.first_KH)
        _fill_last(self.state, trace.states_KS, by_sum_KH)
        _fill_last(self.action, trace.actions_K1, by_sum_KH)

    @torch.no_grad()
    def by_action(self, trace: Trace) -> Tensor:
        """Return each value's gradient by its action; shape (K, 1)."""
        by_second_KH = self.value.weight.expand_as(trace.second_KH)
        by_first_KH = _rectified(by_second_KH, trace.second_KH) @ self.middle.weight
        return _rectified(by_first_KH, trace.first_KH) @ self.action.weight


def flattened(network: nn.Module) -> nn.Parameter:
    """Return one tensor of which the parameters are stretches from now on, their gradients too."""
    parameters = list(network.parameters())
    flat = nn.Parameter(torch.cat([each.detach().flatten() for each in parameters]))
    flat.grad = torch.zeros_like(flat)
    sizes = [each.numel() for each in parameters]
    stretches = (torch.split(flat.data, sizes), torch.split(flat.grad, sizes))
    for each, values, gradients in zip(parameters, *stretches, strict=True):
        each.data, each.grad = values.view_as(each), gradients.view_as(each)
    return flat


def _fill(layer: nn.Linear, read_KI: Tensor, by_output_KO: Tensor) -> Tensor:
    """Set a layer's gradients and return the one by what it read."""
    _fill_last(layer, read_KI, by_output_KO)
    return by_output_KO @ layer.weight


def _fill_last(layer: nn.Linear, read_KI: Tensor, by_output_KO: Tensor) -> None:
    torch.mm(by_output_KO.t(), read_KI, out=layer.weight.grad)
    torch.sum(by_output_KO, dim=0, out=layer.bias.grad)


def _rectified(gradient_KH: Tensor, unit_KH: Tensor) -> Tensor:
    """Return the gradient before a rectifier, given what came out of it."""
    passed: Tensor = torch.ops.aten.threshold_backward(gradient_KH, unit_KH, 0)
    return passed
