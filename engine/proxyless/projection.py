"""Networks within the budgets that are likely under a search's probabilities.

A search pulls its expected cost towards a budget; the network of most probability may still lie
above it, or far below. Projection gives the likeliest network that meets every budget. Refill
gives the likeliest that also uses a budget well, since more operations rarely hurt.
"""

from collections.abc import Callable, Sequence

import numpy as np

from engine.proxyless.priced_space import Choices, PricedSpace, log_losses
from engine.solver.band import best_between, draws_between
from engine.solver.knapsack import solved
from engine.solver.problem import Choice, Knapsack

LEAST_USE = 0.9  # of a budget, where the space allows it
_MISSES = 1_000  # uniform draws in a row that bring nothing new, before the span is widened
_TRIES = 10  # for each sample
_GROWTH = 1.1  # of the noise, each time that a sample comes again

Probabilities = Sequence[Sequence[float]]


def projected(priced: PricedSpace, probabilities: Probabilities) -> Choices:
    """Return the likeliest network within every budget."""
    knapsack = priced.knapsack(log_losses(probabilities))
    return priced.choices(solved(knapsack, priced.budgets))


def refilled(priced: PricedSpace, probabilities: Probabilities) -> Choices | None:
    """Return the likeliest network that meets every budget and uses one well; None: none does."""
    return _likeliest(priced, priced.knapsack(log_losses(probabilities)))


def sampled(
    priced: PricedSpace, probabilities: Probabilities, count: int, rng: np.random.Generator
) -> list[Choices]:
    """Return up to `count` distinct networks that meet every budget and use one well.

    Each is the likeliest after the log-probabilities were shaken by Gumbel noise (Papandreou and
    Yuille 2011): without budgets that draws from the product of the probabilities. Where those
    are so sure that the same comes again, the noise grows.
    """
    found: dict[Choices, None] = {}
    losses, noise = log_losses(probabilities), 1.0
    for _ in range(_TRIES * count):
        if len(found) == count:
            break
        shaken = [row - noise * rng.gumbel(size=row.shape) for row in losses]
        knapsack = priced.knapsack(shaken)
        choices = _likeliest(priced, knapsack)
        if choices is None:
            choices = priced.choices(solved(knapsack, priced.budgets))
        noise *= _GROWTH if choices in found else 1.0
        found.setdefault(choices)
    return list(found)


def drawn_networks(priced: PricedSpace, count: int, rng: np.random.Generator) -> list[Choices]:
    """Return up to `count` distinct networks within the budgets, each drawn with the same chance.

    They come from those that use a budget to nine tenths; where there are too few of them, from
    all that meet the budgets.
    """
    found: dict[Choices, None] = {}
    for least in (LEAST_USE, 0.0):
        for index in range(len(priced.budgets)):
            share = -(-count * (index + 1) // len(priced.budgets))
            _draw_into(found, priced, index, least=least, count=share, rng=rng)
        if len(found) >= count:
            break
    return list(found)[:count]


def uses_well(priced: PricedSpace, choices: Choices) -> bool:
    """Tell whether a network takes at least nine tenths of one of its budgets."""
    return max(priced.uses(choices)) >= LEAST_USE


def _draw_into(
    found: dict[Choices, None],
    priced: PricedSpace,
    index: int,
    *,
    least: float,
    count: int,
    rng: np.random.Generator,
) -> None:
    budget = priced.budgets[index]
    draws = draws_between(
        priced.knapsack([np.zeros(options) for options in priced.options]),
        budget.metric,
        least * budget.limit,
        min(budget.limit, priced.tables[index].highest),
        options=priced.options,
        rng=rng,
    )
    misses = 0
    while len(found) < count and misses < _MISSES:
        choice = next(draws, None)
        if choice is None:
            return
        choices = priced.choices(choice)
        if choices in found or not priced.meets(choices):
            misses += 1
            continue
        found[choices] = None
        misses = 0


def _likeliest(priced: PricedSpace, knapsack: Knapsack) -> Choices | None:
    """Return the choice of least loss that meets all budgets and uses one well."""
    best: list[Choice] = []
    for table, budget in zip(priced.tables, priced.budgets, strict=True):
        choice = best_between(
            knapsack,
            budget.metric,
            LEAST_USE * budget.limit,
            min(budget.limit, table.highest),
            accepts=_meets_all(priced, knapsack),
        )
        if choice is not None:
            best.append(choice)
    return priced.choices(min(best, key=knapsack.loss)) if best else None


def _meets_all(priced: PricedSpace, knapsack: Knapsack) -> Callable[[Choice], bool]:
    return lambda choice: knapsack.meets(choice, priced.budgets)
