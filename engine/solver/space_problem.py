"""The choice of one operation for each decision of a space, as a knapsack."""

from collections.abc import Sequence

import numpy as np

from engine.cost.model import FloatArray
from engine.cost.space_costs import SpaceCosts
from engine.solver.problem import Knapsack


def space_problem(
    tables: Sequence[SpaceCosts], losses: Sequence[FloatArray] | None = None
) -> Knapsack:
    """Return the choice among operations, one table for each limited metric.

    `losses`: by decision, in the order of its operations; None: all are the same.
    """
    if losses is None:
        losses = [np.zeros(len(block)) for block in tables[0].blocks]
    return Knapsack(
        costs={table.metric: _full(table.blocks) for table in tables},
        losses=_full(losses),
        fixed={table.metric: table.fixed for table in tables},
    )


def _full(rows: Sequence[FloatArray]) -> FloatArray:
    """Stack rows of unequal length, the last value repeated; shape (decisions, options)."""
    width = max(len(row) for row in rows)
    return np.stack([np.pad(row, (0, width - len(row)), mode="edge") for row in rows])
