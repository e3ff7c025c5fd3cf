"""The policies a search may try: proposals, what the budgets make of them, and random ones.

Each layer but the first and the last, which keep 8 bits, takes a weight width and an activation
width. A proposal is carried out by lowering what loses least per cost saved until every budget is
met, then spending what is left: so every policy that is scored is one that could be delivered.
"""

from collections.abc import Sequence

import numpy as np

from engine.schema.cost import Budget
from engine.schema.policy import LayerBits, Policy
from engine.solver.enforce import lower_last_to_first, lowered, refilled
from engine.solver.problem import Problem


class PolicySpace:
    """A problem with its budgets, and the widths that may be chosen."""

    def __init__(
        self,
        problem: Problem,
        budgets: Sequence[Budget],
        *,
        weight_bits: Sequence[int],
        activation_bits: Sequence[int],
        faithful: bool = False,
    ) -> None:
        self.problem = problem
        self.budgets = tuple(budgets)
        self.weight_bits = tuple(weight_bits)
        self.activation_bits = tuple(activation_bits)
        self.faithful = faithful
        self._group_of = {name: group for group in problem.groups for name in group}
        choosable = [
            group
            for group, options in zip(problem.groups, problem.options, strict=True)
            if len(options) > 1
        ]
        free = {name for group in choosable for name in group}
        self.free_layers = tuple(name for name in problem.names if name in free)

    @property
    def widest(self) -> Policy:
        """The policy with every layer at its widest."""
        free = LayerBits(weight_bits=self.weight_bits[-1], activation_bits=self.activation_bits[-1])
        first_options = self.problem.policy(np.zeros(self.problem.layers, dtype=np.intp))
        return self.with_bits(first_options, dict.fromkeys(self.free_layers, free))

    def carry_out(self, proposed: Policy) -> Policy:
        """Return the policy within every budget that a proposal leads to.

        Faithful, it is lowered as in the original, and what is left of a budget stays unspent.
        """
        if self.faithful:
            return lower_last_to_first(self.problem, proposed, self.budgets)
        return self._lowered(proposed)

    def greedy(self) -> Policy:
        """Return what lowering from the widest widths on comes to, by least loss per cost saved.

        AIMET's mixed precision walks down so, by each layer's own measured losses.
        """
        return self._lowered(self.widest)

    def leader(self, name: str) -> str:
        """Return the first layer that reads the same tensor: its activation bits are those of all.

        Mostly that is the layer itself.
        """
        return self._group_of[name][0]

    def with_bits(self, policy: Policy, changes: dict[str, LayerBits]) -> Policy:
        """Return a policy with other bits in some layers."""
        return Policy(layers={**policy.layers, **changes}, model_hash=policy.model_hash)

    def random(self, rng: np.random.Generator) -> Policy:
        """Return a proposal with widths drawn alike in each free layer."""
        drawn = {
            name: LayerBits(
                weight_bits=int(rng.choice(self.weight_bits)),
                activation_bits=int(rng.choice(self.activation_bits)),
            )
            for name in self.free_layers
        }
        return self.with_bits(self.widest, drawn)

    def neighbour(self, policy: Policy, rng: np.random.Generator, *, changes: int) -> Policy:
        """Return a proposal in which a few layers' operands move by a width or two."""
        moved = policy
        for _ in range(changes):
            name = self.free_layers[rng.integers(len(self.free_layers))]
            moved = self.with_bits(moved, self._moved(name, moved, rng))
        return moved

    def _lowered(self, policy: Policy) -> Policy:
        choice = lowered(self.problem, self.problem.choice(policy), self.budgets)
        return self.problem.policy(refilled(self.problem, choice, self.budgets))

    def _moved(self, name: str, policy: Policy, rng: np.random.Generator) -> dict[str, LayerBits]:
        """Return what changes where an operand moves, an input with all its readers."""
        step = int(rng.choice((-2, -1, 1, 2)))
        bits = policy[name]
        if rng.random() < 0.5 or len(self.activation_bits) == 1:
            width = _shifted(self.weight_bits, bits.weight_bits, step)
            return {name: LayerBits(weight_bits=width, activation_bits=bits.activation_bits)}
        width = _shifted(self.activation_bits, bits.activation_bits, step)
        return {
            reader: LayerBits(weight_bits=policy[reader].weight_bits, activation_bits=width)
            for reader in self._group_of[name]
        }


def _shifted(widths: Sequence[int], width: int, step: int) -> int:
    index = widths.index(width) + step
    return widths[min(max(index, 0), len(widths) - 1)]
