"""The smallest cost within an accuracy drop."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.haq.environment import Score
from engine.haq.smallest import smallest_limit
from engine.schema.codec import config_from_json
from engine.schema.cost import Budget
from engine.schema.errors import InvalidConfig, readable_limit
from engine.schema.events import LogLine
from engine.schema.policy import Policy
from engine.schema.quantize_config import QuantizeConfig
from engine.schema.results import QuantizeResult
from engine.solver.enforce import lower_last_to_first
from engine.solver.knapsack import front, solve
from tests.engine.haq.toy_search import ToySearch
from tests.engine.tiny_run import finished, small_constants, tiny_config


@pytest.fixture(autouse=True, scope="module")
def _small() -> Iterator[None]:
    with small_constants():
        yield


class Scripted:
    """An environment in which a policy's accuracy rises with its bit operations."""

    def __init__(self, toy: ToySearch) -> None:
        self.float_score = Score(accuracy=0.9, loss=0.1)
        self.scored = 0
        self._toy = toy
        self._highest = toy.costs.network_cost(toy.spec, toy.space.widest)["bit_ops"]

    def score(self, policy: Policy) -> Score:
        self.scored += 1
        share = self._toy.costs.network_cost(self._toy.spec, policy)["bit_ops"] / self._highest
        return Score(accuracy=0.9 * share, loss=1.0)


@pytest.mark.parametrize("drop", [0.0, 0.05, 0.3])
def test_no_cheaper_policy_of_the_front_keeps_the_accuracy(drop: float) -> None:
    toy = ToySearch(metrics=("bit_ops",))
    environment = Scripted(toy)

    found = smallest_limit(
        toy.problem,
        "bit_ops",
        environment,  # type: ignore[arg-type]  # all that is asked of it
        accuracy_drop=drop,
        budgets=(),
    )

    keeps = [
        point.cost
        for point in front(toy.problem, "bit_ops")
        if environment.score(toy.problem.policy(point.choice)).accuracy >= 0.9 - drop - 1e-12
    ]
    assert found.limit == pytest.approx(min(keeps))


def test_a_drop_that_nothing_keeps_is_refused() -> None:
    toy = ToySearch(metrics=("bit_ops",), weight_bits=(2, 3), activation_bits=(2, 3))
    environment = Scripted(toy)
    environment.float_score = Score(accuracy=1.0, loss=0.0)

    with pytest.raises(InvalidConfig, match=r"accuracy_drop: more than 0\.01 is lost"):
        smallest_limit(
            toy.problem,
            "bit_ops",
            environment,  # type: ignore[arg-type]  # all that is asked of it
            accuracy_drop=0.01,
            budgets=(),
        )


def test_a_run_finds_its_own_budget(tmp_path: Path) -> None:
    config = tiny_config(budgets=(), accuracy_drop=0.1, objective="bit_ops")

    run = finished(config, tmp_path)

    result = run.result
    assert isinstance(result, QuantizeResult)
    (budget,) = result.budgets
    found = result.contender(result.found)
    assert budget.metric == "bit_ops"
    assert config_from_json(json.loads(run.artifact("config.json").read_text())) == config
    told = [event.text for event in run.events if isinstance(event, LogLine)]
    limit = readable_limit(budget.limit, upwards=True)
    assert any(f"no more than 0.1 of the accuracy is {limit};" in text for text in told)
    assert found.cost["bit_ops"] <= budget.limit < result.contender("uniform-8").cost["bit_ops"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"budgets": ()}, "budgets: at least one is required"),
        ({"objective": "bit_ops"}, "objective: is for the question with accuracy_drop"),
        ({"budgets": (), "accuracy_drop": 0.01}, "objective: is required beside accuracy_drop"),
        ({"accuracy_drop": 0.01, "objective": "bit_ops"}, "budgets: limit bit_ops, which is"),
        ({"budgets": (), "accuracy_drop": 1.5, "objective": "bit_ops"}, "accuracy_drop: must lie"),
    ],
)
def test_a_question_that_cannot_be_asked_is_refused(
    changes: dict[str, object], message: str
) -> None:
    settings = {"budgets": (Budget(metric="bit_ops", limit=6e7),), **changes}

    with pytest.raises(InvalidConfig, match=message):
        QuantizeConfig(model="resnet20", dataset="fashion-mnist", target="counted", **settings)  # type: ignore[arg-type]


def test_faithful_a_policy_is_lowered_from_the_last_layer_on_and_not_refilled() -> None:
    toy = ToySearch()
    ours = toy.space.carry_out(toy.space.widest)
    toy.space.faithful = True

    original = toy.space.carry_out(toy.space.widest)

    assert original == lower_last_to_first(toy.problem, toy.space.widest, toy.budgets)
    assert original != ours
    assert toy.problem.loss(toy.problem.choice(ours)) <= toy.problem.loss(
        toy.problem.choice(original)
    )
    assert solve(toy.problem, toy.budgets) is not None
