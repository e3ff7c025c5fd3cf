"""A choice of bits per layer as arrays: what it costs, what it loses, what is fixed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import fsum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from engine.catalog.baselines import PINNED_BITS, pinned_layers
from engine.cost.counting import network_total
from engine.cost.model import CostModel, FloatArray
from engine.schema.cost import Budget, Metric
from engine.schema.layers import ModelSpec
from engine.schema.policy import FLOAT_BITS, MAX_BITS, LayerBits, Policy
from engine.solver.losses import monotone

Option = tuple[LayerBits, ...]  # one for each layer of a group
Choice = npt.NDArray[np.intp]  # an option's index per layer; shape (layers,)
Choices = npt.NDArray[np.intp]  # of several policies; shape (policies, layers)

# Sums of floats may differ in their last bits; no two policies lie this close by their costs.
ROUNDING = 1e-12
_MOST_TOGETHER = 3  # layers that share a decision
_TABLE = (1, MAX_BITS, MAX_BITS)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Knapsack:
    """A multiple-choice knapsack: one option per layer, least loss, costs within budgets.

    Arrays have the shape (layers, options). A layer with fewer options than another repeats its
    last one, so that the arrays stay full: a pinned layer is one option, repeated.
    """

    costs: Mapping[Metric, FloatArray]  # in the metrics' units
    losses: FloatArray  # what the layer's option adds to the network's loss
    fixed: Mapping[Metric, float]  # what the network costs whatever is chosen

    @property
    def layers(self) -> int:
        """The number of layers."""
        return len(self.losses)

    def cost(self, choice: Choice, metric: Metric) -> float:
        """Return what a choice costs the whole network; rounded once, like `network_cost`."""
        parts = self.costs[metric][np.arange(self.layers), choice]
        return network_total(metric, [self.fixed.get(metric, 0.0), *parts.tolist()])

    def total_costs(self, choices: Choices, metric: Metric) -> FloatArray:
        """Return what many choices cost, but for the rounding of sums; shape (policies,)."""
        parts = self.costs[metric][np.arange(self.layers), choices]
        totals: FloatArray = parts.sum(axis=1) + self.fixed.get(metric, 0.0)
        return totals

    def total_losses(self, choices: Choices) -> FloatArray:
        """Return what many choices lose, but for the rounding of sums; shape (policies,)."""
        losses: FloatArray = self.losses[np.arange(self.layers), choices].sum(axis=1)
        return losses

    def loss(self, choice: Choice) -> float:
        """Return the loss predicted for a choice: the layers' losses added up."""
        return fsum(self.losses[np.arange(self.layers), choice].tolist())

    def meets(self, choice: Choice, budgets: Iterable[Budget]) -> bool:
        """Tell whether a choice costs no more than every budget."""
        return all(is_within(self.cost(choice, budget.metric), budget.limit) for budget in budgets)

    def lowest(self, metric: Metric) -> float:
        """Return the least a network can cost."""
        return self.cost(self.costs[metric].argmin(axis=1), metric)

    def bits(self) -> FloatArray:
        """Return how wide each option is; here they have no widths, so none is wider."""
        return np.zeros_like(self.losses)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Problem(Knapsack):
    """The choice of bits for every group of layers.

    A group is a layer, or the layers that read one tensor: they share its bits. What a knapsack
    calls a layer is a group here.
    """

    names: tuple[str, ...]  # of all layers, in forward order
    groups: tuple[tuple[str, ...], ...]  # of their names, in order of their first layers
    options: tuple[tuple[Option, ...], ...]  # per group, without the repetitions
    model_hash: str = ""

    def policy(self, choice: Choice) -> Policy:
        """Return the policy that an index per group stands for."""
        bits: dict[str, LayerBits] = {}
        for group, options, index in zip(self.groups, self.options, choice, strict=True):
            option = options[min(int(index), len(options) - 1)]
            bits.update(zip(group, option, strict=True))
        layers = {name: bits[name] for name in self.names}
        return Policy(layers=layers, model_hash=self.model_hash)

    def choice(self, policy: Policy) -> Choice:
        """Return the indices of a policy's options; pinned layers get theirs, whatever it says.

        Layers that read one tensor get the activation bits of the first of them.

        Raises:
            ValueError: the policy gives a layer bits that are not among its options.
        """
        indices = np.zeros(self.layers, dtype=np.intp)
        for at, (group, options) in enumerate(zip(self.groups, self.options, strict=True)):
            if len(options) > 1:
                indices[at] = options.index(_agreed(policy, group, options))
        return indices

    def bits(self) -> FloatArray:
        """Return the sum of all widths of every option; shape (groups, options)."""
        width = self.losses.shape[1]
        rows = [
            [sum(bits.weight_bits + bits.activation_bits for bits in option) for option in options]
            for options in self.options
        ]
        return np.array([row + row[-1:] * (width - len(row)) for row in rows], dtype=np.float64)


def is_within(cost: float, limit: float) -> bool:
    """Tell whether a cost meets a limit, but for the rounding of sums."""
    return cost <= limit * (1 + ROUNDING)


def policy_problem(
    spec: ModelSpec,
    cost_model: CostModel,
    metrics: Sequence[Metric],
    weight_bits: Sequence[int],
    activation_bits: Sequence[int],
    *,
    losses: FloatArray | None = None,
) -> Problem:
    """Return the problem of choosing bits for a network; the first and last layer keep 8.

    Where activations stay float, no layer is kept at 8 bits: that is the paper's size mode.
    `losses` is indexed like a cost table, [layer, weight bits - 1, activation bits - 1]; it is
    made monotone here. None: no option loses anything, for questions of cost alone.
    """
    is_weights_only = tuple(activation_bits) == (FLOAT_BITS,)
    pinned = frozenset[str]() if is_weights_only else pinned_layers(spec)
    groups = layer_groups(spec)
    options = tuple(_options(group, pinned, weight_bits, activation_bits) for group in groups)
    cells = _Cells.of(spec, groups, options)
    tables = {metric: cost_model.cost_table(spec.layers, metric) for metric in metrics}
    return Problem(
        names=tuple(layer.name for layer in spec.layers),
        groups=groups,
        options=options,
        costs={metric: cells.sums(table) for metric, table in tables.items()},
        losses=cells.sums(np.zeros(_TABLE) if losses is None else monotone(losses)),
        fixed={metric: cost_model.fixed_cost(spec, metric) for metric in metrics},
        model_hash=spec.model_hash,
    )


def layer_groups(spec: ModelSpec) -> tuple[tuple[str, ...], ...]:
    """Return the layers that are decided on together, by name: alone, or with one input.

    Of a tensor that many layers read, each few share a decision: a group's options are all
    combinations of its layers' widths.
    """
    chunks = [
        shared[start : start + _MOST_TOGETHER]
        for shared in spec.shared_inputs
        for start in range(0, len(shared), _MOST_TOGETHER)
    ]
    by_first = {chunk[0]: chunk for chunk in chunks}
    followers = {name for chunk in chunks for name in chunk[1:]}
    return tuple(
        by_first.get(layer.name, (layer.name,))
        for layer in spec.layers
        if layer.name not in followers
    )


def _options(
    group: tuple[str, ...],
    pinned: frozenset[str],
    weight_bits: Sequence[int],
    activation_bits: Sequence[int],
) -> tuple[Option, ...]:
    """Return all combinations of a group's widths; a pinned layer pins the input of all."""
    has_pinned = not pinned.isdisjoint(group)
    inputs = (PINNED_BITS.activation_bits,) if has_pinned else tuple(activation_bits)
    weights = [(PINNED_BITS.weight_bits,) if name in pinned else weight_bits for name in group]
    return tuple(
        tuple(LayerBits(weight_bits=w, activation_bits=a) for w in widths)
        for *widths, a in product(*weights, inputs)
    )


def _agreed(policy: Policy, group: tuple[str, ...], options: tuple[Option, ...]) -> Option:
    """Return a group's bits in a policy; where they cannot be chosen, the pinned ones."""
    of_input = {option[0].activation_bits for option in options}
    shared = policy[group[0]].activation_bits
    if len(group) == 1:
        return (policy[group[0]],)
    (pinned,) = of_input if len(of_input) == 1 else (shared,)
    return tuple(
        LayerBits(
            weight_bits=policy[name].weight_bits
            if len({option[at].weight_bits for option in options}) > 1
            else options[0][at].weight_bits,
            activation_bits=pinned,
        )
        for at, name in enumerate(group)
    )


class _Cells(NamedTuple):
    """Where the options of every group stand in a table, with a place for each of its layers.

    Arrays have the shape (groups, options, layers of a group). A group with fewer layers than
    another has places that do not count.
    """

    layers: npt.NDArray[np.intp]
    weights: npt.NDArray[np.intp]  # bits - 1
    activations: npt.NDArray[np.intp]
    counts: npt.NDArray[np.bool_]

    @classmethod
    def of(
        cls,
        spec: ModelSpec,
        groups: tuple[tuple[str, ...], ...],
        options: tuple[tuple[Option, ...], ...],
    ) -> "_Cells":
        place = {layer.name: index for index, layer in enumerate(spec.layers)}
        shape = (len(groups), max(map(len, options)), max(map(len, groups)))
        layers, weights, activations = (np.zeros(shape, dtype=np.intp) for _ in range(3))
        counts = np.zeros(shape, dtype=np.bool_)
        for at, (group, row) in enumerate(zip(groups, options, strict=True)):
            members = slice(0, len(group))
            counts[at, :, members] = True
            layers[at, :, members] = [place[name] for name in group]
            weights[at, : len(row), members] = [[b.weight_bits - 1 for b in o] for o in row]
            # What float activations leave to choose does not hang on the column.
            activations[at, : len(row), members] = [
                [min(b.activation_bits, MAX_BITS) - 1 for b in o] for o in row
            ]
            for cells in (weights, activations):
                cells[at, len(row) :] = cells[at, len(row) - 1]
        return cls(layers, weights, activations, counts)

    def sums(self, table: FloatArray) -> FloatArray:
        """Return what every option comes to; shapes (layers, 8, 8) -> (groups, options)."""
        of_layers = np.broadcast_to(table, (int(self.layers.max()) + 1, MAX_BITS, MAX_BITS))
        picked = of_layers[self.layers, self.weights, self.activations]
        totals: FloatArray = np.where(self.counts, picked, 0.0).sum(axis=-1)
        return totals
