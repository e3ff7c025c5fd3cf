"""The strategies: all within the budgets, none worse than its start, all resumable."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.haq.ddpg import AgentSettings
from engine.haq.environment import QuantizationEnvironment, bits_of
from engine.haq.record import STRATEGIES
from engine.haq.strategies import steps_of
from engine.haq.trial import Trial
from engine.schema.results import Strategy
from engine.solver.enforce import lower, refill
from engine.training.checkpoint import load_checkpoint, save_checkpoint
from tests.configs import quantize_config
from tests.engine.haq.toy_search import EIGHT, OneByOne, ToySearch, search_on

CONFIG = quantize_config(episodes=8, seed=3)
MOST_STEPS = 8
# The agent at a tenth of the work.
SMALL = AgentSettings(hidden=48, imitation_steps=600, imitation_learning_rate=4e-3)


@pytest.fixture(scope="module")
def toy() -> ToySearch:
    return ToySearch(share=0.6)


@pytest.fixture
def new(toy: ToySearch) -> Callable[[Strategy], OneByOne]:
    environment = toy.new_environment()

    def build(strategy: Strategy) -> OneByOne:
        return start(toy, strategy, environment)

    return build


def start(toy: ToySearch, strategy: Strategy, environment: QuantizationEnvironment) -> OneByOne:
    return search_on(toy, strategy, environment, config=CONFIG, settings=SMALL)


def trials(search: OneByOne, count: int) -> list[Trial]:
    return [search.step() for _ in range(count)]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_policy_scored_is_within_every_budget(
    toy: ToySearch, new: Callable[[Strategy], OneByOne], strategy: Strategy
) -> None:
    for trial in trials(new(strategy), MOST_STEPS):
        assert toy.is_within(trial.policy)
        assert trial.policy["stem.0"] == trial.policy["classifier"] == EIGHT


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_score_known_already_is_told_to_be(
    new: Callable[[Strategy], OneByOne], strategy: Strategy
) -> None:
    seen = set()
    for trial in trials(new(strategy), MOST_STEPS):
        assert trial.cache_hit == (bits_of(trial.policy) in seen)
        seen.add(bits_of(trial.policy))


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("taken", [1, 5])
def test_a_saved_strategy_goes_on_as_if_never_stopped(
    new: Callable[[Strategy], OneByOne], tmp_path: Path, strategy: Strategy, taken: int
) -> None:
    unbroken = trials(new(strategy), MOST_STEPS)
    stopped = new(strategy)
    trials(stopped, taken)
    save_checkpoint(tmp_path / "search", stopped.state_dict())
    saved = load_checkpoint(tmp_path / "search")
    assert saved is not None

    resumed = new(strategy)
    resumed.load_state_dict(saved)

    for found, wanted in zip(trials(resumed, MOST_STEPS - taken), unbroken[taken:], strict=True):
        assert (found.policy, found.proposed) == (wanted.policy, wanted.proposed)
        assert (found.score, found.sigma) == (wanted.score, wanted.sigma)
        assert (found.value_loss, found.policy_loss) == (wanted.value_loss, wanted.policy_loss)


def test_the_agent_goes_on_bit_for_bit_after_any_episode(toy: ToySearch) -> None:
    """Its networks, optimisers, replay, noise and the scores known so far."""
    environment = toy.new_environment()
    unbroken = start(toy, "agent", environment)
    for _ in range(MOST_STEPS):
        saved, known = unbroken.state_dict(), dict(environment.scores)
        trial = unbroken.step()

        other = toy.new_environment()
        other.remember(known)
        resumed = start(toy, "agent", other)
        resumed.load_state_dict(saved)

        assert resumed.step() == trial
        assert same(resumed.state_dict(), unbroken.state_dict())
        assert dict(other.scores) == dict(environment.scores)


def same(one: object, other: object) -> bool:
    """Compare saved states, tensors bit for bit."""
    if isinstance(one, torch.Tensor):
        return isinstance(other, torch.Tensor) and torch.equal(one, other)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


def test_the_solver_s_answer_is_one_trial(
    toy: ToySearch, new: Callable[[Strategy], OneByOne]
) -> None:
    assert new("solver").step().policy == toy.solved
    assert steps_of("solver", CONFIG) == 1
    assert steps_of("greedy", CONFIG) == 1
    assert steps_of("agent", CONFIG) == 8
    assert steps_of("random", CONFIG) == CONFIG.effort.evaluations


def test_the_greedy_answer_gives_up_least_loss_per_cost_from_the_widest_widths_on(
    toy: ToySearch, new: Callable[[Strategy], OneByOne]
) -> None:
    policy = new("greedy").step().policy

    by_hand = lower(toy.problem, toy.space.widest, toy.budgets)
    assert policy == refill(toy.problem, by_hand, toy.budgets)
    loss = toy.problem.loss(toy.problem.choice(policy))
    assert toy.problem.loss(toy.problem.choice(toy.solved)) <= loss
    # Proposals stand further off: a walk from the widest widths spends the budget where it pays.
    rng = np.random.default_rng(0)
    drawn = [toy.space.carry_out(toy.space.random(rng)) for _ in range(20)]
    assert loss < np.mean([toy.problem.loss(toy.problem.choice(one)) for one in drawn])


def test_hill_climbing_starts_at_the_solver_and_its_best_never_worsens() -> None:
    toy = ToySearch(share=0.3)  # so tight that predicted losses no longer add up
    climb = start(toy, "hill_climb", toy.environment)
    best = []
    for step in range(25):
        trial = climb.step()
        if step == 0:
            assert trial.policy == toy.solved
        best.append(climb.state_dict()["best_loss"])

    assert all(later <= earlier for earlier, later in pairwise(best))
    assert best[-1] < best[0]  # on this task there is something to climb


def test_hill_climbing_never_scores_a_policy_twice_before_it_is_exhausted(
    new: Callable[[Strategy], OneByOne],
) -> None:
    climb = new("hill_climb")
    seen = []
    while not climb.is_exhausted:
        seen.append(bits_of(climb.step().policy))

    assert len(seen) > 5
    assert len(set(seen[:-1])) == len(seen) - 1
    assert seen[-1] in seen[:-1]


def test_random_search_scatters(new: Callable[[Strategy], OneByOne]) -> None:
    policies = {bits_of(trial.policy) for trial in trials(new("random"), 20)}

    assert len(policies) > 5


def test_the_agent_begins_with_the_teacher_and_its_neighbours(
    toy: ToySearch, new: Callable[[Strategy], OneByOne]
) -> None:
    episodes = trials(new("agent"), 4)

    assert episodes[0].proposed == toy.solved  # two of eight episodes are shown to it
    assert [episode.sigma is None for episode in episodes] == [True, True, False, False]
    assert episodes[0].value_loss is None
    assert episodes[1].value_loss is not None
    moved = sum(episodes[1].proposed[name] != toy.solved[name] for name in toy.space.free_layers)
    assert moved <= 4


def test_after_the_warm_start_the_agent_proposes_near_the_best_it_saw(
    new: Callable[[Strategy], OneByOne],
) -> None:
    episodes = trials(new("agent"), 3)

    best = min(episodes[:2], key=lambda episode: episode.score.loss).policy
    for name in best:
        assert abs(episodes[2].proposed[name].weight_bits - best[name].weight_bits) <= 1
        assert abs(episodes[2].proposed[name].activation_bits - best[name].activation_bits) <= 1


@pytest.mark.parametrize("strategy", ["hill_climb", "random", "agent"])
def test_where_nothing_can_be_chosen_the_search_is_over(strategy: Strategy) -> None:
    toy = ToySearch(share=1.0, weight_bits=(4,), activation_bits=(4,))

    search = start(toy, strategy, toy.environment)

    if strategy == "hill_climb":
        search.step()  # the start is scored in any case
    assert search.is_exhausted


def test_strategies_have_streams_of_their_own(
    toy: ToySearch, new: Callable[[Strategy], OneByOne]
) -> None:
    alone = [trial.proposed for trial in trials(new("random"), 5)]

    other, search = new("agent"), new("random")
    mixed = []
    for _ in range(5):
        other.step()
        np.random.random()  # the ambient stream
        mixed.append(search.step().proposed)

    assert mixed == alone


def test_the_agent_is_exhausted_once_its_greedy_policy_has_long_been_the_same(
    toy: ToySearch, monkeypatch: pytest.MonkeyPatch
) -> None:
    search = start(toy, "agent", toy.new_environment())
    monkeypatch.setattr("engine.haq.agent_search.PATIENCE", 2)
    steps = 0
    while not search.is_exhausted and steps < 60:
        search.step()
        steps += 1

    assert 4 <= steps < 60
