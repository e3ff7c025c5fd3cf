"""Several policies at once: proposed together, scored side by side, told one by one."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier

import pytest
import torch
from torch import nn

from engine.haq.copies import Copies, Copy
from engine.haq.ddpg import AgentSettings
from engine.haq.environment import QuantizationEnvironment, bits_of
from engine.haq.ground import copies_for
from engine.haq.record import ANSWERS, STRATEGIES
from engine.schema.errors import Diverged, InvalidConfig
from engine.schema.events import EpisodeFinished, Event
from engine.schema.results import Strategy
from engine.training.seed import numpy_generator
from tests.configs import quantize_config
from tests.engine.haq.toy_search import OneByOne, ToySearch, search_on
from tests.engine.tiny_run import (
    TINY,
    abandon,
    finished,
    small_constants,
    stop,
    tiny_config,
)

CONFIG = quantize_config(episodes=20, seed=5)
SHOWN = 5  # episodes of the warm start: a quarter
SMALL = AgentSettings(hidden=16, imitation_steps=20)
SEARCHED = [strategy for strategy in STRATEGIES if strategy not in ANSWERS]


@pytest.fixture
def two_threads() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def toy() -> ToySearch:
    return ToySearch(share=0.6)


def start(toy: ToySearch, strategy: Strategy, environment: QuantizationEnvironment) -> OneByOne:
    return search_on(toy, strategy, environment, config=CONFIG, settings=SMALL)


def test_copies_score_as_the_network_itself_does(toy: ToySearch, two_threads: None) -> None:
    drawn = [toy.space.random(numpy_generator(seed, "drawn")) for seed in range(7)]
    alone = toy.new_environment()
    expected = [alone.score(policy) for policy in drawn]

    scores = toy.new_environment(copies=3).scores_of(drawn)

    assert [one.accuracy for one in scores] == [one.accuracy for one in expected]
    assert [one.loss for one in scores] == pytest.approx([one.loss for one in expected], rel=1e-6)
    assert len({one.loss for one in scores}) == len(drawn)


def test_a_policy_that_stands_twice_in_a_round_is_evaluated_once(toy: ToySearch) -> None:
    environment = toy.new_environment()
    one, other = toy.solved, toy.space.greedy()
    before = toy.calls.count

    scores = environment.scores_of([one, other, one])

    assert toy.calls.count == before + len({bits_of(one), bits_of(other)})
    assert scores == [environment.score(one), environment.score(other), environment.score(one)]


def test_copies_work_at_the_same_time_and_in_order(toy: ToySearch, two_threads: None) -> None:
    copies = Copies(toy.network, toy.layers, 2)
    both = Barrier(2, timeout=20)

    def meet(copy: Copy, item: int) -> tuple[int, nn.Module, int]:
        both.wait()  # for ever, did one wait for the other
        return item, copy.network, torch.get_num_threads()

    met = copies.each(meet, [1, 2, 3, 4])

    assert [item for item, _, _ in met] == [1, 2, 3, 4]
    assert [network is toy.network for _, network, _ in met] == [True, False, True, False]
    assert [threads for _, _, threads in met] == [1] * 4
    with ThreadPoolExecutor(1) as pool:  # a thread begins with what was set last
        assert pool.submit(torch.get_num_threads).result() == 2


def test_what_goes_wrong_in_any_copy_is_told(toy: ToySearch) -> None:
    def work(copy: Copy, item: int) -> None:
        if copy.network is not toy.network:
            raise Diverged(item, "the loss")

    with pytest.raises(Diverged):
        Copies(toy.network, toy.layers, 2).each(work, [1, 2])


def test_there_is_a_copy_for_each_policy_at_once_on_the_cpu_and_thread(two_threads: None) -> None:
    def copies(at_once: int, device: str) -> int:
        effort = replace(TINY, policies_at_once=at_once)
        return copies_for(quantize_config(effort=effort, threads=8), torch.device(device))

    assert [copies(at_once, "cpu") for at_once in (1, 2, 8)] == [1, 2, 2]
    assert copies(8, "cuda") == 1


def test_no_more_at_once_than_threads() -> None:
    with pytest.raises(InvalidConfig, match=r"effort.policies_at_once: .* at most the CPU threads"):
        quantize_config(effort=replace(TINY, policies_at_once=3), threads=2)


@pytest.mark.parametrize("strategy", SEARCHED)
def test_a_round_holds_no_more_than_it_is_asked_for(toy: ToySearch, strategy: Strategy) -> None:
    search = start(toy, strategy, toy.new_environment())
    for most in (1, 4, 7):
        trials = search.round(most)

        assert 1 <= len(trials) <= most
        assert all(toy.is_within(trial.policy) for trial in trials)


def test_all_of_a_round_is_proposed_before_the_first_is_learnt_from(toy: ToySearch) -> None:
    environment = toy.new_environment()
    search = start(toy, "agent", environment)

    shown, walked = search.round(8), search.round(8)

    assert [trial.sigma for trial in shown] == [None] * SHOWN  # the warm start ends with a round
    sigmas = [trial.sigma for trial in walked]
    assert sigmas == sorted(sigmas, reverse=True)
    assert len(set(sigmas)) == 8
    assert all(trial.value_loss is not None for trial in walked)
    one_by_one = start(toy, "agent", environment)
    for _ in range(SHOWN):
        one_by_one.step()
    first, second = one_by_one.step(), one_by_one.step()
    assert first.proposed == walked[0].proposed
    assert second.sigma == walked[1].sigma


def test_drawing_at_once_is_drawing_one_by_one(toy: ToySearch) -> None:
    environment = toy.new_environment()
    together = start(toy, "random", environment).round(6)
    search = start(toy, "random", environment)

    assert [search.step().policy for _ in range(6)] == [trial.policy for trial in together]


def test_the_neighbours_of_a_round_differ(toy: ToySearch) -> None:
    climb = start(toy, "hill_climb", toy.new_environment())
    assert [trial.policy for trial in climb.round(6)] == [toy.solved]  # where it begins

    neighbours = [bits_of(trial.policy) for trial in climb.round(6)]

    assert len({bits_of(toy.solved), *neighbours}) == 1 + len(neighbours) > 2


@pytest.mark.parametrize("strategy", SEARCHED)
def test_a_search_goes_on_between_rounds_as_if_never_stopped(
    toy: ToySearch, strategy: Strategy
) -> None:
    environment = toy.new_environment()
    unbroken = start(toy, strategy, environment)
    unbroken.round(3)
    unbroken.round(4)
    resumed = start(toy, strategy, environment)
    resumed.load_state_dict(unbroken.state_dict())

    assert [one.proposed for one in resumed.round(3)] == [one.proposed for one in unbroken.round(3)]


def test_a_round_that_moves_the_best_leads_on() -> None:
    toy = ToySearch(share=0.4, weight_bits=(3, 4, 5), activation_bits=(3, 4, 5))
    environment = toy.new_environment()
    alone, together = (start(toy, "hill_climb", environment) for _ in range(2))
    while not alone.is_exhausted:
        alone.step()
    while not together.is_exhausted:
        together.round(4)

    losses = [one.state_dict()["best_loss"] for one in (alone, together)]
    assert losses[1] == losses[0] < environment.score(toy.solved).loss


def test_a_whole_run_in_rounds_ends_with_as_many_episodes_stopped_or_not(tmp_path: Path) -> None:
    config = tiny_config(effort=replace(TINY, episodes=5, policies_at_once=2), threads=2)
    with small_constants():
        unbroken = finished(config, tmp_path / "unbroken")
        told = stop(config, tmp_path / "stopped", after=is_in_a_round)
        resumed = finished(config, tmp_path / "stopped")
        abandon(config, tmp_path / "killed", after=is_in_a_round)
        after_kill = finished(config, tmp_path / "killed")

    episodes = Counter(one.strategy for one in unbroken.events if isinstance(one, EpisodeFinished))
    assert episodes == {"solver": 1, "greedy": 1, "hill_climb": 3, "random": 3, "agent": 5}
    of_agent = [one for one in told if isinstance(one, EpisodeFinished) and one.strategy == "agent"]
    assert [one.episode for one in of_agent] == [1, 2, 3]  # to the end of the second round
    assert resumed.lasting == unbroken.lasting
    assert after_kill.lasting == unbroken.lasting


def is_in_a_round(event: Event) -> bool:
    return isinstance(event, EpisodeFinished) and (event.strategy, event.episode) == ("agent", 2)
