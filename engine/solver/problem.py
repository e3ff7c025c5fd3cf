"""A choice of bits per layer as arrays: what it costs, what it loses, what is fixed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import fsum

import numpy as np
import numpy.typing as npt

from engine.catalog.baselines import PINNED_BITS, pinned_layers
from engine.cost.counting import network_total
from engine.cost.model import CostModel, FloatArray
from engine.schema.cost import Budget, Metric
from engine.schema.layers import ModelSpec
from engine.schema.policy import LayerBits, Policy
from engine.solver.losses import monotone

Choice = npt.NDArray[np.intp]  # an option's index per layer; shape (layers,)
Choices = npt.NDArray[np.intp]  # of several policies; shape (policies, layers)

# Sums of floats may differ in their last bits; no two policies lie this close by their costs.
ROUNDING = 1e-12


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
    """The choice of bits for every layer."""

    names: tuple[str, ...]
    options: tuple[tuple[LayerBits, ...], ...]  # per layer, without the repetitions
    model_hash: str = ""

    def policy(self, choice: Choice) -> Policy:
        """Return the policy that an index per layer stands for."""
        bits = [
            options[min(int(index), len(options) - 1)]
            for options, index in zip(self.options, choice, strict=True)
        ]
        return Policy(layers=dict(zip(self.names, bits, strict=True)), model_hash=self.model_hash)

    def choice(self, policy: Policy) -> Choice:
        """Return the indices of a policy's options; pinned layers get theirs, whatever it says.

        Raises:
            ValueError: the policy gives a layer bits that are not among its options.
        """
        indices = np.zeros(self.layers, dtype=np.intp)
        for at, (name, options) in enumerate(zip(self.names, self.options, strict=True)):
            if len(options) > 1:
                indices[at] = options.index(policy[name])
        return indices

    def bits(self) -> FloatArray:
        """Return the sum of both widths of every option; shape (layers, options)."""
        width = self.losses.shape[1]
        rows = [[o.weight_bits + o.activation_bits for o in options] for options in self.options]
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

    `losses` is indexed like a cost table, [layer, weight bits - 1, activation bits - 1]; it is
    made monotone here. None: no option loses anything, for questions of cost alone.
    """
    free = tuple(
        LayerBits(weight_bits=w, activation_bits=a)
        for w, a in product(weight_bits, activation_bits)
    )
    pinned = pinned_layers(spec)
    options = tuple((PINNED_BITS,) if layer.name in pinned else free for layer in spec.layers)
    shape = (len(spec.layers), len(free))
    return Problem(
        names=tuple(layer.name for layer in spec.layers),
        options=options,
        costs={m: _by_option(cost_model.cost_table(spec.layers, m), options) for m in metrics},
        losses=np.zeros(shape) if losses is None else _by_option(monotone(losses), options),
        fixed={metric: cost_model.fixed_cost(spec, metric) for metric in metrics},
        model_hash=spec.model_hash,
    )


def _by_option(table: FloatArray, options: Sequence[tuple[LayerBits, ...]]) -> FloatArray:
    """Pick the options' cells out of a table; shapes (layers, 8, 8) -> (layers, options)."""
    width = max(len(row) for row in options)
    padded = [row + row[-1:] * (width - len(row)) for row in options]
    cells = np.array([[(o.weight_bits - 1, o.activation_bits - 1) for o in row] for row in padded])
    picked: FloatArray = table[np.arange(len(options))[:, None], cells[..., 0], cells[..., 1]]
    return picked
