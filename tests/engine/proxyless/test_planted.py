"""A search finds what is there to be found, and spends a budget on it."""

import pytest

from engine.schema.search_config import Algorithm
from tests.engine.proxyless.planted import DEPTH, KERNEL, SKIP, Task, search

TASKS = {"kernel": KERNEL, "depth": DEPTH, "skip": SKIP}
FAST = {("kernel", "gradient"), ("depth", "reinforce"), ("skip", "gradient")}
CASES = [
    pytest.param(
        task,
        algorithm,
        seed,
        id=f"{name}-{algorithm}-{seed}",
        marks=[] if (name, algorithm) in FAST and seed == 0 else [pytest.mark.long],
    )
    for name, task in TASKS.items()
    for algorithm in ("gradient", "reinforce")
    for seed in range(5)
]


@pytest.mark.parametrize(("task", "algorithm", "seed"), CASES)
def test_the_one_network_that_can_tell_is_found(
    task: Task, algorithm: Algorithm, seed: int
) -> None:
    found = search(task, algorithm=algorithm, seed=seed)

    assert found.likeliest == found.best == task.answer
    assert found.accuracy > 0.95
    assert 0.85 <= found.expected_share <= 1.15


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS.keys())
def test_what_cannot_tell_is_as_dear(task: Task) -> None:
    priced = task.priced(task.budget)

    for choices in (task.answer, *task.decoys):
        assert priced.meets(choices)
        assert max(priced.uses(choices)) >= 0.97
