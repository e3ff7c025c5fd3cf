"""A search on a toy: random weights, a shortcut, two free layers and two budgets."""

from functools import cached_property

import torch
from torch import Tensor, nn

from engine.catalog.targets import target_entry
from engine.cost.model import FloatArray
from engine.cost.pricing import cost_model
from engine.haq.agent_search import AgentSearch
from engine.haq.ddpg import AgentSettings
from engine.haq.environment import QuantizationEnvironment
from engine.haq.policy_space import PolicySpace
from engine.haq.strategies import searcher
from engine.haq.thresholds import compute_thresholds
from engine.haq.trial import Strategy, Trial, next_round
from engine.haq.walk import LayerWalk
from engine.nn.quantized import set_float
from engine.schema.cost import Budget, Metric
from engine.schema.policy import LayerBits, Policy
from engine.schema.quantize_config import QuantizeConfig
from engine.schema.results import LayerSensitivity
from engine.schema.results import Strategy as StrategyName
from engine.solver.knapsack import solve
from engine.solver.losses import additive_losses
from engine.solver.problem import policy_problem
from engine.training.checkpoint import State
from engine.training.seed import numpy_generator, torch_generator
from tests.engine.quantized_networks import CLASSES, images, quantisable, residual_network

WIDTHS = (2, 3, 4, 5, 6, 7, 8)
METRICS: tuple[Metric, ...] = ("model_bytes", "bit_ops")
EIGHT = LayerBits(weight_bits=8, activation_bits=8)


class ToySearch:
    """What a strategy is given; budgets are shares of the way from the lowest to the highest."""

    def __init__(
        self,
        *,
        share: float = 0.5,
        metrics: tuple[Metric, ...] = METRICS,
        weight_bits: tuple[int, ...] = WIDTHS,
        activation_bits: tuple[int, ...] = WIDTHS,
    ) -> None:
        self.network = residual_network()
        self.spec, self.layers = quantisable(self.network)
        self.costs = cost_model(target_entry("bismo-cloud"))
        self.problem = policy_problem(
            self.spec, self.costs, metrics, weight_bits, activation_bits, losses=self._losses()
        )
        self.budgets = tuple(self._budget(metric, share) for metric in metrics)
        self.space = PolicySpace(
            self.problem, self.budgets, weight_bits=weight_bits, activation_bits=activation_bits
        )
        self.walk = LayerWalk(self.spec.layers, self.space)
        self.calls = CallCounter(self.network)

    @property
    def solved(self) -> Policy:
        """The solver's policy."""
        return solve(self.problem, self.budgets)

    @cached_property
    def environment(self) -> QuantizationEnvironment:
        """What scores policies."""
        return self.new_environment()

    def new_environment(self, *, copies: int = 1) -> QuantizationEnvironment:
        """Return one that has scored nothing yet."""
        set_float(self.layers)  # an earlier one may have left them quantised
        return QuantizationEnvironment(
            self.network,
            self.layers,
            thresholds=compute_thresholds(
                self.network, self.layers, [images(32)], clipping="mse", granularity="channel"
            ),
            images_NCHW=images(64),
            labels_N=self.labels_N,
            model_hash=self.spec.model_hash,
            copies=copies,
        )

    @cached_property
    def labels_N(self) -> Tensor:
        """The float network's own answers but for some: so its accuracy is neither 0 nor 1."""
        with torch.no_grad():
            labels_N = self.network(images(64)).argmax(dim=1)
        labels_N[::8] = (labels_N[::8] + 1) % CLASSES
        return labels_N

    def is_within(self, policy: Policy) -> bool:
        """Price a policy anew and hold it against every budget."""
        cost = self.costs.network_cost(self.spec, policy)
        return all(cost[one.metric] <= one.limit * (1 + 1e-9) for one in self.budgets)

    def _budget(self, metric: Metric, share: float) -> Budget:
        lowest = self.problem.lowest(metric)
        highest = self.problem.cost(self.problem.costs[metric].argmax(axis=1), metric)
        return Budget(metric=metric, limit=lowest + share * (highest - lowest))

    def _losses(self) -> FloatArray:
        rows = []
        for index, layer in enumerate(self.spec.layers):
            by_width = {str(bits): (1 + index) * 4.0 ** (2 - bits) for bits in WIDTHS}
            rows.append(
                LayerSensitivity(
                    layer=layer.name, weight_losses=by_width, activation_losses=by_width
                )
            )
        return additive_losses(rows)


class OneByOne:
    """A strategy that is asked for one proposal at a time, or for a round of so many."""

    def __init__(self, search: Strategy, environment: QuantizationEnvironment) -> None:
        self.search = search
        self.environment = environment

    @property
    def is_exhausted(self) -> bool:
        return self.search.is_exhausted

    def step(self) -> Trial:
        return self.round(1)[0]

    def round(self, most: int) -> list[Trial]:
        return next_round(self.search, self.environment, most=most)

    def state_dict(self) -> State:
        return self.search.state_dict()

    def load_state_dict(self, saved: State) -> None:
        self.search.load_state_dict(saved)


def search_on(
    toy: ToySearch,
    strategy: StrategyName,
    environment: QuantizationEnvironment,
    *,
    config: QuantizeConfig,
    settings: AgentSettings,
) -> OneByOne:
    """Set a strategy up as a run does, the agent with constants of the test's own."""
    if strategy != "agent":
        search = searcher(
            strategy,
            config=config,
            spec=toy.spec,
            space=toy.space,
            environment=environment,
            solved=toy.solved,
        )
        return OneByOne(search, environment)
    agent = AgentSearch(
        toy.space,
        environment,
        toy.walk,
        teacher=toy.solved,
        episodes=config.effort.episodes,
        settings=settings,
        generator=torch_generator(config.seed, strategy),
        rng=numpy_generator(config.seed, strategy),
    )
    return OneByOne(agent, environment)


class CallCounter:
    """Counts how often a network is run."""

    def __init__(self, network: nn.Module) -> None:
        self.count = 0
        network.register_forward_hook(self._count)

    def _count(self, *_: object) -> None:
        self.count += 1
