"""Several budgets at once: prices on costs instead of limits.

With a price on each metric, every layer picks its option of least loss plus priced cost by
itself (Everett 1963). Prices rise where a budget is overdrawn and fall where it is not.
"""

from collections.abc import Sequence

import numpy as np

from engine.cost.model import FloatArray
from engine.schema.cost import Budget
from engine.solver.problem import Choice, Knapsack

_ROUNDS = 200


def relaxed_choices(
    problem: Knapsack, budgets: Sequence[Budget], *, rounds: int = _ROUNDS
) -> list[Choice]:
    """Return the choice of least loss that met the budgets, and the last choice tried.

    The last one stands near the best prices but may overdraw a little; it is there to be mended.
    """
    shares = np.stack([problem.costs[b.metric] / b.limit for b in budgets])
    fixed = np.array([problem.fixed.get(b.metric, 0.0) / b.limit for b in budgets])
    prices = np.full(len(budgets), _first_price(problem))
    choice = _cheapest(problem, shares, prices)
    met: list[Choice] = []
    for round_ in range(1, rounds + 1):
        rows = np.arange(problem.layers)
        used = fixed + shares[:, rows, choice].sum(axis=1)
        if problem.meets(choice, budgets):
            met.append(choice)
        prices = prices * np.exp(4 * (used - 1) / np.sqrt(round_))
        choice = _cheapest(problem, shares, prices)
    return [*sorted(met, key=problem.loss)[:1], choice]


def _cheapest(problem: Knapsack, shares: FloatArray, prices: FloatArray) -> Choice:
    """Return each layer's option of least loss plus priced cost."""
    priced: FloatArray = problem.losses + np.tensordot(prices, shares, axes=1)
    choice: Choice = priced.argmin(axis=1)
    return choice


def _first_price(problem: Knapsack) -> float:
    """Return the loss that is at stake, as the price of a whole budget."""
    stake = float((problem.losses.max(axis=1) - problem.losses.min(axis=1)).sum())
    return stake or 1.0
