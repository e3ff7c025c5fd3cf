"""An agent's search as `benchmarks.haq` runs it: MobileNetV2, 512 images, at 4 bits' latency.

The network has random weights: what a policy is worth does not change what it takes to find out.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from unittest.mock import patch

import torch
from torch import nn

from benchmarks.haq_networks import Quantizable, Task
from engine.catalog.targets import target_entry
from engine.cost.pricing import cost_model
from engine.haq.agent_search import AgentSearch
from engine.haq.ddpg import AgentSettings, DDPGAgent
from engine.haq.environment import QuantizationEnvironment
from engine.haq.policy_space import PolicySpace
from engine.haq.sensitivity import SensitivityPass, measured_widths
from engine.haq.trial import Trial, next_round
from engine.haq.walk import LayerWalk
from engine.nn.segments import cut
from engine.schema.cost import Budget
from engine.solver.knapsack import solve
from engine.solver.losses import additive_losses
from engine.solver.problem import policy_problem
from engine.training.seed import numpy_generator, torch_generator

TARGET, METRIC = "bismo-cloud", "latency_ms"
WIDTHS = (2, 3, 4, 5, 6, 7, 8)
VALIDATION_IMAGES, SENSITIVITY_IMAGES = 512, 16
EPISODES = 200  # that the noise is planned for
UPDATES = 50

Parts = Mapping[str, float]


def agent_update(task: Task) -> Callable[[], Parts]:
    """Return an episode's updates of all networks from a filled replay; its part is one of them."""
    search = Searching(task)
    rng = numpy_generator(0, "policies")
    agent = DDPGAgent(
        state_size=search.walk.state_size,
        steps=search.walk.steps,
        settings=AgentSettings(),
        generator=torch_generator(0, "agent"),
    )
    for reward in torch.randn(AgentSettings().episodes_kept).tolist():
        policy = search.space.random(rng)
        agent.remember(search.walk.transitions(policy, reward=reward), reward=reward)

    def update() -> Parts:
        started = time.process_time()
        agent.learn(UPDATES)
        return {"one": (time.process_time() - started) / UPDATES}

    return update


def repeats(task: Task, episodes: int) -> dict[str, int]:
    """Return how a search's episodes were scored; `repeated` is what was scored twice."""
    search = Searching(task)
    known = sum(search.step().cache_hit for _ in range(episodes))
    evaluations, distinct = search.evaluations(), len(search.environment.scores)
    return {
        "episodes": episodes,
        "known policies": known,
        "evaluations": evaluations,
        "repeated": evaluations - distinct,
    }


class Searching:
    """An agent's search at its place behind the warm start."""

    def __init__(
        self, task: Task, environment: type[QuantizationEnvironment] = QuantizationEnvironment
    ) -> None:
        network = Quantizable.of(task)
        sensitivities = SensitivityPass(
            cut(network.model, task.images(2), largest=2**20),
            network.layers,
            thresholds=network.grids,
            images_NCHW=task.images(SENSITIVITY_IMAGES),
        )
        widths = measured_widths(WIDTHS, WIDTHS)
        costs = cost_model(target_entry(TARGET))
        problem = policy_problem(
            network.spec,
            costs,
            (METRIC,),
            WIDTHS,
            WIDTHS,
            losses=additive_losses(
                [sensitivities.measure(layer.name, widths) for layer in network.spec.layers]
            ),
        )
        limit = costs.network_cost(network.spec, network.uniform())[METRIC]
        budgets = (Budget(metric=METRIC, limit=limit),)
        self.space = PolicySpace(problem, budgets, weight_bits=WIDTHS, activation_bits=WIDTHS)
        self.walk = LayerWalk(network.spec.layers, self.space)
        self.images_seen = 0
        model = network.to_score()
        model.register_forward_hook(self._count)
        self.environment = environment(
            model,
            network.layers,
            thresholds=network.grids,
            images_NCHW=task.images(VALIDATION_IMAGES),
            labels_N=task.labels(VALIDATION_IMAGES),
            model_hash=network.spec.model_hash,
        )
        self._search = AgentSearch(
            self.space,
            self.environment,
            self.walk,
            teacher=solve(problem, budgets),
            episodes=EPISODES,
            settings=AgentSettings.for_episodes(EPISODES),
            generator=torch_generator(0, "agent"),
            rng=numpy_generator(0, "agent"),
        )

    def warm_up(self) -> None:
        """Run episodes until the agent acts for itself."""
        while self.step().sigma is None:
            pass

    def step(self) -> Trial:
        """Run one episode."""
        return next_round(self._search, self.environment)[0]

    def fresh(self) -> Trial:
        """Run episodes until one leads to a policy that was not scored before."""
        while (trial := self.step()).cache_hit:
            pass
        return trial

    def episode(self) -> Parts:
        """Run an episode and return what its updates took, and what the rest did.

        One that leads to a known policy takes next to nothing and is left out.
        """
        while True:
            started = time.process_time()
            with updates_timed() as updates:
                trial = self.step()
            seconds = time.process_time() - started
            if not trial.cache_hit:
                return {"updates": sum(updates), "the rest": seconds - sum(updates)}

    def evaluations(self) -> int:
        """Return how often the network saw the validation images, the float network apart."""
        return self.images_seen // VALIDATION_IMAGES - 1

    def _count(self, _model: nn.Module, inputs: tuple[torch.Tensor], _output: object) -> None:
        self.images_seen += len(inputs[0])


@contextmanager
def updates_timed() -> Iterator[list[float]]:
    """Note the CPU seconds of every call of the agent's learning."""
    seconds: list[float] = []
    learn = DDPGAgent.learn

    def timed(agent: DDPGAgent, updates: int) -> object:
        started = time.process_time()
        losses = learn(agent, updates)
        seconds.append(time.process_time() - started)
        return losses

    with patch.object(DDPGAgent, "learn", timed):
        yield seconds
