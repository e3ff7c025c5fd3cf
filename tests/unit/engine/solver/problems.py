"""Small problems to solve by trying everything, and the trying."""

from itertools import product

import numpy as np
from hypothesis import strategies as st

from engine.cost.model import FloatArray
from engine.schema.cost import Budget
from engine.schema.policy import LayerBits
from engine.solver.problem import Choice, Problem

OPTIONS = tuple(LayerBits(weight_bits=2, activation_bits=bits) for bits in range(2, 9))


def problem_of(
    losses: FloatArray, latency_ms: FloatArray, model_bytes: FloatArray | None = None
) -> Problem:
    """Return the problem of these arrays; shapes (layers, options)."""
    layers, options = losses.shape
    names = tuple(f"layer.{index}" for index in range(layers))
    return Problem(
        names=names,
        groups=tuple((name,) for name in names),
        options=(tuple((bits,) for bits in OPTIONS[:options]),) * layers,
        costs={
            "latency_ms": latency_ms,
            "model_bytes": latency_ms if model_bytes is None else model_bytes,
        },
        losses=losses,
        fixed={"latency_ms": 0.0, "model_bytes": 100.0},
    )


def random_problem(seed: int, *, layers: int, options: int) -> Problem:
    """Return a problem whose options cost the more and lose the less the wider they are."""
    generator = np.random.default_rng(seed)
    rising = np.cumsum(generator.uniform(0.1, 1, (2, layers, options)), axis=-1)
    falling = np.cumsum(generator.exponential(1, (layers, options)), axis=-1)[:, ::-1]
    return problem_of(falling.copy(), rising[0], rising[1])


@st.composite
def problems(draw: st.DrawFn, *, max_layers: int = 4) -> Problem:
    """Draw whole-numbered problems without any order in them: ties and dominated options too."""
    layers = draw(st.integers(1, max_layers))
    options = draw(st.integers(1, 5))
    numbers = st.integers(0, 12)

    def table(*, least: int) -> FloatArray:
        rows = draw(
            st.lists(
                st.lists(numbers, min_size=options, max_size=options),
                min_size=layers,
                max_size=layers,
            )
        )
        return np.array(rows, dtype=np.float64) + least

    return problem_of(table(least=0), table(least=1), table(least=1))


def all_choices(problem: Problem) -> list[Choice]:
    layers, options = problem.losses.shape
    return [np.array(choice) for choice in product(range(options), repeat=layers)]


def least_loss(problem: Problem, budgets: list[Budget]) -> float:
    """Return the least loss within budgets that some choice meets."""
    return min(problem.loss(c) for c in all_choices(problem) if problem.meets(c, budgets))
