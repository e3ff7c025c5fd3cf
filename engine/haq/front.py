"""The plane of cost and quality: what the solver predicts, and what was scored."""

from collections.abc import Callable, Mapping

import numpy as np

from engine.haq.environment import Bits
from engine.haq.record import RunState
from engine.schema.cost import Metric
from engine.schema.policy import Policy
from engine.schema.results import Candidate, ParetoFront
from engine.solver.knapsack import front
from engine.solver.pareto import spread, undominated
from engine.solver.problem import Problem

_FRONT_POINTS = 60

Pricer = Callable[[Policy], Mapping[Metric, float]]


def predicted_front(problem: Problem, metric: Metric, price: Pricer) -> ParetoFront:
    """Return the solver's front with its policies; losses are predicted, in nats above float."""
    points = front(problem, metric)
    kept = spread(np.array([point.cost for point in points]), _FRONT_POINTS)
    policies = [problem.policy(points[index].choice) for index in kept]
    return ParetoFront(
        metric=metric,
        points=tuple(
            Candidate(origin="front", costs=price(policy), loss=points[index].loss, policy=policy)
            for index, policy in zip(kept, policies, strict=True)
        ),
    )


def scored_candidates(
    state: RunState, metric: Metric, policy_of: Callable[[Bits], Policy], price: Pricer
) -> tuple[Candidate, ...]:
    """Return every policy that a strategy scored; those on the front carry their bits.

    A hundred layers' bits times a thousand policies would make a result of many megabytes. The
    others' bits stand in the log.
    """
    rows = [(bits, state.scores[bits], origin) for bits, origin in state.origins.items()]
    costs = [price(policy_of(bits)) for bits, _, _ in rows]
    best = set(
        undominated(
            np.array([cost[metric] for cost in costs]),
            np.array([score.loss for _, score, _ in rows]),
        ).tolist()
    )
    return tuple(
        Candidate(
            origin=origin,
            costs=cost,
            accuracy=score.accuracy,
            loss=score.loss,
            policy=policy_of(bits) if index in best else None,
        )
        for index, ((bits, score, origin), cost) in enumerate(zip(rows, costs, strict=True))
    )
