"""The walk of HAQ's agent over a network: two steps a layer, weights first, then activations.

A state holds ten numbers (Wang et al. 2019, section 3.1): is the layer depthwise, its input and
output channels, stride, kernel size, weights, input map and index, each scaled to 0 .. 1 over the
layers; then the previous action's bits over the widest, and a flag that is 1 for a weight step and
0 for an activation step. The first and the last layer keep 8 bits and take no step, nor does an
input that an earlier layer has decided on. Where activations stay float every step is a weight
step, so there is no flag, as in the paper's size mode: nine numbers.

Shapes: N steps of an episode, S entries of a state, L layers, F = 8 static features.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from engine.haq.policy_space import PolicySpace
from engine.haq.replay_buffer import Transitions
from engine.schema.layers import LayerSpec
from engine.schema.policy import FLOAT_BITS, MAX_BITS, LayerBits, Policy

Act = Callable[[Tensor], float]  # from a state of shape (S,) to an action in 0 .. 1


def bits_of_action(action: float, widths: Sequence[int]) -> int:
    """Return the width an action stands for: equal shares of 0 .. 1, halves to even."""
    # round(min - 0.5 + action x count) on the widths 2 .. 8 of the paper, for any list of widths.
    index = round(widths[0] - 0.5 + action * len(widths)) - widths[0]
    return widths[min(max(index, 0), len(widths) - 1)]


def action_of_bits(bits: int, widths: Sequence[int]) -> float:
    """Return the middle of the share of actions that stands for a width."""
    return (widths.index(bits) + 0.5) / len(widths)


class LayerWalk:
    """The states that an agent sees on its way, and the policy its actions make."""

    def __init__(self, layers: Sequence[LayerSpec], space: PolicySpace) -> None:
        self._space = space
        self._has_inputs = tuple(space.activation_bits) != (FLOAT_BITS,)
        self._steps = tuple(_steps(space, has_inputs=self._has_inputs))
        features_LF = _scaled_features(layers)
        row = {layer.name: index for index, layer in enumerate(layers)}
        self._features_NF = features_LF[[row[step.layer] for step in self._steps]]

    @property
    def steps(self) -> int:
        """How many actions make a policy."""
        return len(self._steps)

    @property
    def state_size(self) -> int:
        """The entries of a state."""
        return self._features_NF.shape[1] + (2 if self._has_inputs else 1)

    def walk(self, act: Act) -> Policy:
        """Return the policy that acting step by step leads to."""
        chosen: list[int] = []
        previous = MAX_BITS
        for step in range(self.steps):
            action = act(self._state(step, previous))
            previous = bits_of_action(action, self._widths(step))
            chosen.append(previous)
        return self._policy(chosen)

    def transitions(self, policy: Policy, *, reward: float, shared: bool = True) -> Transitions:
        """Return the steps that lead to a policy, the reward in equal shares on each.

        Not shared, each step carries all of it, as in the original.
        """
        bits = [
            policy[step.layer].weight_bits if step.is_weight else policy[step.layer].activation_bits
            for step in self._steps
        ]
        states_NS = torch.stack(
            [self._state(step, previous) for step, previous in enumerate([MAX_BITS, *bits[:-1]])]
        )
        actions = [action_of_bits(width, self._widths(step)) for step, width in enumerate(bits)]
        last_N1 = torch.zeros(self.steps, 1)
        last_N1[-1] = 1.0
        return Transitions(
            states_KS=states_NS,
            actions_K1=torch.tensor(actions).unsqueeze(1),
            rewards_K1=torch.full((self.steps, 1), reward / self.steps if shared else reward),
            # Nothing follows the last state; what stands in its row is masked.
            next_states_KS=states_NS.roll(-1, dims=0),
            is_last_K1=last_N1,
        )

    def _widths(self, step: int) -> Sequence[int]:
        is_weight = self._steps[step].is_weight
        return self._space.weight_bits if is_weight else self._space.activation_bits

    def _state(self, step: int, previous_bits: int) -> Tensor:
        dynamic = [previous_bits / MAX_BITS]
        if self._has_inputs:
            dynamic.append(float(self._steps[step].is_weight))
        return torch.cat([self._features_NF[step], torch.tensor(dynamic)])

    def _policy(self, bits: Sequence[int]) -> Policy:
        weights = {s.layer: b for s, b in zip(self._steps, bits, strict=True) if s.is_weight}
        inputs = {s.layer: b for s, b in zip(self._steps, bits, strict=True) if not s.is_weight}
        widest = self._space.widest
        changes = {
            name: LayerBits(
                weight_bits=weight,
                activation_bits=inputs.get(self._space.leader(name), widest[name].activation_bits),
            )
            for name, weight in weights.items()
        }
        return self._space.with_bits(widest, changes)


class _Step(NamedTuple):
    """One decision: a layer's weights, or its input."""

    layer: str
    is_weight: bool


def _steps(space: PolicySpace, *, has_inputs: bool) -> Iterator[_Step]:
    for name in space.free_layers:
        yield _Step(name, is_weight=True)
        if has_inputs and space.leader(name) == name:
            yield _Step(name, is_weight=False)


def _scaled_features(layers: Sequence[LayerSpec]) -> Tensor:
    """Return each layer's features, every column from 0 to 1; a constant one is left as it is."""
    features_LF = torch.tensor(
        [_features(index, layer) for index, layer in enumerate(layers)], dtype=torch.float32
    )
    lowest_F, highest_F = features_LF.amin(dim=0), features_LF.amax(dim=0)
    span_F = highest_F - lowest_F
    varies_F = span_F > 0
    scaled_LF = (features_LF - lowest_F) / torch.where(varies_F, span_F, 1.0)
    return torch.where(varies_F, scaled_LF, features_LF)


def _features(index: int, layer: LayerSpec) -> list[float]:
    is_linear = layer.kind == "linear"
    return [
        float(layer.kind == "depthwise"),
        layer.in_channels,
        layer.out_channels,
        0 if is_linear else layer.stride,
        layer.kernel_size,
        layer.weights,
        layer.in_channels if is_linear else layer.input_size**2,
        index,
    ]
