"""The walk of HAQ's agent over a network: two steps a layer, weights first, then activations.

A state holds ten numbers (Wang et al. 2019, section 3.1): is the layer depthwise, its input and
output channels, stride, kernel size, weights, input map and index, each scaled to 0 .. 1 over the
layers; then the previous action's bits over the widest, and a flag that is 1 for a weight step and
0 for an activation step. The first and the last layer keep 8 bits and take no step.

Shapes: N steps of an episode, S = 10 entries of a state, L layers, F = 8 static features.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from engine.haq.policy_space import PolicySpace
from engine.haq.replay_buffer import Transitions
from engine.schema.layers import LayerSpec
from engine.schema.policy import MAX_BITS, LayerBits, Policy

STATE_SIZE = 10

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
        self._widths = (space.weight_bits, space.activation_bits)
        features_LF = _scaled_features(layers)
        free = set(space.free_layers)
        rows = [index for index, layer in enumerate(layers) if layer.name in free]
        self._features_NF = features_LF[rows].repeat_interleave(2, dim=0)

    @property
    def steps(self) -> int:
        """How many actions make a policy."""
        return len(self._features_NF)

    def walk(self, act: Act) -> Policy:
        """Return the policy that acting step by step leads to."""
        chosen: list[int] = []
        previous = MAX_BITS
        for step in range(self.steps):
            action = act(self._state(step, previous))
            previous = bits_of_action(action, self._widths[step % 2])
            chosen.append(previous)
        return self._policy(chosen)

    def transitions(self, policy: Policy, *, reward: float) -> Transitions:
        """Return the steps that lead to a policy, the reward in equal shares on each."""
        bits = [
            width
            for name in self._space.free_layers
            for width in (policy[name].weight_bits, policy[name].activation_bits)
        ]
        states_NS = torch.stack(
            [self._state(step, previous) for step, previous in enumerate([MAX_BITS, *bits[:-1]])]
        )
        actions = [action_of_bits(width, self._widths[step % 2]) for step, width in enumerate(bits)]
        last_N1 = torch.zeros(self.steps, 1)
        last_N1[-1] = 1.0
        return Transitions(
            states_KS=states_NS,
            actions_K1=torch.tensor(actions).unsqueeze(1),
            rewards_K1=torch.full((self.steps, 1), reward / self.steps),
            # Nothing follows the last state; what stands in its row is masked.
            next_states_KS=states_NS.roll(-1, dims=0),
            is_last_K1=last_N1,
        )

    def _state(self, step: int, previous_bits: int) -> Tensor:
        is_weight_step = 1.0 - step % 2
        dynamic = torch.tensor([previous_bits / MAX_BITS, is_weight_step])
        return torch.cat([self._features_NF[step], dynamic])

    def _policy(self, bits: Sequence[int]) -> Policy:
        pairs = zip(bits[::2], bits[1::2], strict=True)
        changes = {
            name: LayerBits(weight_bits=weight, activation_bits=activation)
            for name, (weight, activation) in zip(self._space.free_layers, pairs, strict=True)
        }
        return self._space.with_bits(self._space.widest, changes)


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
