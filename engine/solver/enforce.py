"""Bringing a policy within its budgets, and spending what a budget has left.

Both walk by single moves: one layer takes another of its options. `lower` takes the move that
loses least per cost saved, `refill` the one that gains most per cost spent.
"""

from collections.abc import Sequence

import numpy as np

from engine.cost.model import FloatArray
from engine.schema.cost import Budget
from engine.schema.errors import BudgetUnreachable
from engine.schema.policy import Policy
from engine.solver.problem import ROUNDING, Choice, Knapsack, Option, Problem


def lower(problem: Problem, policy: Policy, budgets: Sequence[Budget]) -> Policy:
    """Return the policy brought within every budget, by least loss gained per cost saved.

    A policy that is within them comes back as it is, but for the pinned layers, which are pinned.

    Raises:
        BudgetUnreachable: no move brings the network closer to its budgets.
    """
    return problem.policy(lowered(problem, problem.choice(policy), budgets))


def refill(problem: Problem, policy: Policy, budgets: Sequence[Budget]) -> Policy:
    """Return the policy with bits raised while they fit, by most loss avoided per cost spent."""
    return problem.policy(refilled(problem, problem.choice(policy), budgets))


def lower_last_to_first(problem: Problem, policy: Policy, budgets: Sequence[Budget]) -> Policy:
    """Return the policy lowered as HAQ's authors do: passes from the last layer to the first.

    In each layer the activations lose a step, then the weights, until the budgets are met (Wang
    et al. 2019, their code). Over-budget policies end nearly uniform, so `lower` is the default.

    Raises:
        BudgetUnreachable: every layer stands at its narrowest and a budget is not met.
    """
    choice = problem.choice(policy)
    while not problem.meets(choice, budgets):
        if not _lower_one_pass(problem, choice, budgets):
            raise _unreachable(problem, choice, budgets)
    return problem.policy(choice)


def lowered(problem: Knapsack, choice: Choice, budgets: Sequence[Budget]) -> Choice:
    """Return the options of `lower` for those of a policy."""
    choice = choice.copy()
    shares = _shares(problem, budgets)
    for _ in range(problem.losses.size):
        if problem.meets(choice, budgets):
            return choice
        used = _used(problem, choice, budgets)
        saved = _excess(used) - _excess(used + _change(shares, choice))
        lost = _change(problem.losses, choice)
        ratio = np.divide(lost, saved, out=np.full_like(saved, np.inf), where=saved > 0)
        least = ratio.min()
        if np.isinf(least):
            break
        _take_best(choice, np.where(ratio == least, saved, -np.inf))
    raise _unreachable(problem, choice, budgets)


def refilled(problem: Knapsack, choice: Choice, budgets: Sequence[Budget]) -> Choice:
    """Return the options of `refill` for those of a policy within the budgets.

    A move that avoids no loss comes last and only to wider widths: a measured loss of nought
    does not mean that the bits are worth nothing.
    """
    choice = choice.copy()
    shares, bits = _shares(problem, budgets), problem.bits()
    for _ in range(problem.losses.size):
        change = _change(shares, choice)
        spent = np.maximum(change, 0.0).sum(axis=0)
        gained, widened = -_change(problem.losses, choice), _change(bits, choice)
        fits = _excess(_used(problem, choice, budgets) + change) == 0
        worth = fits & ((gained > 0) | ((gained == 0) & (widened > 0)))
        if not worth.any():
            break
        free = np.full_like(spent, np.inf)  # what costs nothing goes first
        by_loss = np.divide(gained, spent, out=free.copy(), where=spent > 0)
        by_bits = np.divide(widened, spent, out=free, where=spent > 0)
        most = by_loss[worth].max()
        _take_best(choice, np.where(worth & (by_loss == most), by_bits, -np.inf))
    return choice


def _shares(problem: Knapsack, budgets: Sequence[Budget]) -> FloatArray:
    """Return every option's cost as a share of each budget; shape (budgets, layers, options)."""
    return np.stack([problem.costs[budget.metric] / budget.limit for budget in budgets])


def _used(problem: Knapsack, choice: Choice, budgets: Sequence[Budget]) -> FloatArray:
    """Return the share of each budget that a choice uses; shape (budgets, 1, 1)."""
    used = [problem.cost(choice, budget.metric) / budget.limit for budget in budgets]
    return np.array(used)[:, None, None]


def _change(table: FloatArray, choice: Choice) -> FloatArray:
    """Return what each option has more than the chosen one of its layer; layers, options last."""
    chosen: FloatArray = table[..., np.arange(len(choice)), choice]
    return table - chosen[..., None]


def _excess(used: FloatArray) -> FloatArray:
    """Return by how much budgets are overdrawn, added up over the first axis."""
    overdrawn: FloatArray = np.maximum(used - (1 + ROUNDING), 0.0).sum(axis=0)
    return overdrawn


def _take_best(choice: Choice, merit: FloatArray) -> None:
    """Put the option of most merit into the choice."""
    layer, option = np.unravel_index(merit.argmax(), merit.shape)
    choice[layer] = option


def _lower_one_pass(problem: Problem, choice: Choice, budgets: Sequence[Budget]) -> bool:
    """Lower each layer's activations and weights by a step until the budgets are met.

    Returns whether anything could be lowered.
    """
    start = choice.copy()
    for at in reversed(range(problem.layers)):
        # The group's input, then the weights of its layers from the last one on.
        for operand in (0, *reversed(range(1, len(problem.groups[at]) + 1))):
            if problem.meets(choice, budgets):
                return True
            choice[at] = _narrower(problem.options[at], int(choice[at]), operand)
    return bool((choice != start).any())


def _narrower(options: Sequence[Option], index: int, operand: int) -> int:
    """Return the option with one operand a step narrower and the rest the same, else the same."""
    now = _widths(options[min(index, len(options) - 1)])
    narrower = [
        (widths[operand], at)
        for at, widths in enumerate(map(_widths, options))
        if widths[operand] < now[operand]
        and all(widths[o] == now[o] for o in range(len(now)) if o != operand)
    ]
    return max(narrower)[1] if narrower else index


def _widths(option: Option) -> tuple[int, ...]:
    """Return the bits of a group's input, then those of each layer's weights."""
    return (option[0].activation_bits, *(bits.weight_bits for bits in option))


def _unreachable(problem: Knapsack, choice: Choice, budgets: Sequence[Budget]) -> BudgetUnreachable:
    """Name the budget that is overdrawn most, with the least this network can come to.

    Where each budget alone can be met but not all at once, that is what the walk came to.
    """
    worst = max(budgets, key=lambda budget: problem.cost(choice, budget.metric) / budget.limit)
    lowest = problem.lowest(worst.metric)
    if lowest <= worst.limit:
        lowest = problem.cost(choice, worst.metric)
    return BudgetUnreachable(metric=worst.metric, limit=worst.limit, lowest=lowest)
