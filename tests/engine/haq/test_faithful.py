"""What `faithful` changes: the original's enforcement, replay, reward, start and noise."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from benchmarks.edge_and_cloud import measured_losses, network
from engine.catalog.baselines import uniform_policy
from engine.catalog.targets import target_entry
from engine.cost.pricing import cost_model
from engine.haq.agent_search import PATIENCE, AgentSearch
from engine.haq.ddpg import AgentSettings
from engine.haq.environment import Bits, bits_of
from engine.haq.policy_space import PolicySpace
from engine.haq.strategies import searcher
from engine.haq.trial import next_round
from engine.schema.cost import Budget
from engine.solver.enforce import lower_last_to_first
from engine.solver.problem import policy_problem
from engine.training.seed import numpy_generator, torch_generator
from tests.configs import quantize_config
from tests.engine.haq.toy_search import WIDTHS, OneByOne, ToySearch

DRAWN = 21  # episodes that the original draws at random


def toy_search(*, faithful: bool, share: float = 0.6) -> ToySearch:
    toy = ToySearch(share=share)
    toy.space.faithful = faithful
    return toy


def agent_on(toy: ToySearch, *, seed: int = 3, episodes: int = 60) -> OneByOne:
    settings = (
        AgentSettings.published() if toy.space.faithful else AgentSettings.for_episodes(episodes)
    )
    agent = AgentSearch(
        toy.space,
        toy.environment,
        toy.walk,
        teacher=toy.solved,
        episodes=episodes,
        settings=replace(settings, hidden=32, imitation_steps=200),
        generator=torch_generator(seed, "agent"),
        rng=numpy_generator(seed, "agent"),
    )
    return OneByOne(agent, toy.environment)


def replayed(search: OneByOne) -> torch.Tensor:
    """Return the actions and rewards in the replay buffer; shape (steps, 2)."""
    rows: torch.Tensor = search.state_dict()["agent"]["replay"]["rows"]
    return rows[:, -3:-1]


@pytest.mark.parametrize("faithful", [False, True])
def test_the_replay_holds_what_was_carried_out_or_faithful_what_was_proposed(
    faithful: bool,
) -> None:
    toy = toy_search(faithful=faithful, share=0.3)
    search = agent_on(toy)
    trials = [search.step() for _ in range(4)]
    assert any(trial.policy != trial.proposed for trial in trials)

    kept = replayed(search)

    for index, trial in enumerate(trials):
        reward = toy.environment.reward(trial.score)
        steps = toy.walk.transitions(
            trial.proposed if faithful else trial.policy, reward=reward, shared=not faithful
        )
        own = kept[index * toy.walk.steps :][: toy.walk.steps]
        assert torch.equal(own[:, :1], steps.actions_K1)
        assert torch.allclose(own[:, 1:], steps.rewards_K1)
        whole = reward if faithful else reward / toy.walk.steps
        assert own[:, 1].tolist() == pytest.approx([whole] * toy.walk.steps)


def test_faithful_proposals_are_lowered_from_the_last_layer_on_and_not_refilled() -> None:
    toy = toy_search(faithful=True, share=0.3)
    search = agent_on(toy)

    for _ in range(6):
        trial = search.step()
        assert trial.policy == lower_last_to_first(toy.problem, trial.proposed, toy.budgets)
        assert toy.is_within(trial.policy)


def test_faithful_the_first_21_episodes_are_drawn_and_nothing_is_learnt_by_them() -> None:
    toy = toy_search(faithful=True)
    search = agent_on(toy)
    before = search.state_dict()["agent"]["networks"]

    drawn = [search.step() for _ in range(DRAWN)]

    assert all(trial.sigma is None and trial.value_loss is None for trial in drawn)
    assert len({bits_of(trial.proposed) for trial in drawn}) > DRAWN / 2
    after = search.state_dict()["agent"]["networks"]
    for networks in zip(before, after, strict=True):
        assert all(torch.equal(networks[0][name], networks[1][name]) for name in networks[0])
    first = search.step()
    assert first.value_loss is not None
    assert first.sigma == pytest.approx(0.5 * 0.99)


def test_a_run_s_flag_reaches_the_agent() -> None:
    toy = toy_search(faithful=True)
    search = searcher(
        "agent",
        config=quantize_config(faithful=True),
        spec=toy.spec,
        space=toy.space,
        environment=toy.environment,
        solved=toy.solved,
    )
    proposals: set[Bits] = set()
    for _ in range(DRAWN):
        trial = next_round(search, toy.environment)[0]
        proposals.add(bits_of(trial.proposed))
        assert trial.sigma is None

    assert bits_of(toy.solved) not in proposals or len(proposals) > 5


def test_faithful_the_search_goes_on_though_its_policy_has_settled() -> None:
    searches = [agent_on(toy_search(faithful=faithful)) for faithful in (False, True)]
    for search in searches:
        state = search.state_dict()
        search.load_state_dict({**state, "unchanged": PATIENCE})

    assert [search.is_exhausted for search in searches] == [True, False]


def test_faithful_enforcement_loses_more_and_leaves_budget_unspent() -> None:
    """On the small MobileNetV2, by its measured sensitivities, at the latency of uniform 4 bit."""
    spec = network("mobilenet_v2_small")
    costs = cost_model(target_entry("bismo-cloud"))
    limit = costs.network_cost(spec, uniform_policy(spec, 4, 4))["latency_ms"]
    problem = policy_problem(
        spec, costs, ("latency_ms",), WIDTHS, WIDTHS, losses=measured_losses("mobilenet_v2")
    )
    losses: dict[bool, list[float]] = {False: [], True: []}
    unspent: dict[bool, list[float]] = {False: [], True: []}
    for faithful in (False, True):
        space = PolicySpace(
            problem,
            [Budget(metric="latency_ms", limit=limit)],
            weight_bits=WIDTHS,
            activation_bits=WIDTHS,
            faithful=faithful,
        )
        rng = np.random.default_rng(0)  # the same proposals for both
        for _ in range(10):
            choice = problem.choice(space.carry_out(space.random(rng)))
            losses[faithful].append(problem.loss(choice))
            unspent[faithful].append(1 - problem.cost(choice, "latency_ms") / limit)

    assert np.mean(losses[False]) < 0.25 * np.mean(losses[True])
    assert max(unspent[False]) < 1e-3 < np.mean(unspent[True])
