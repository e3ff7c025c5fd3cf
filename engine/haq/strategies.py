"""The strategies of a search, each set up the same way on the same policy space."""

from collections.abc import Callable

from engine.haq.agent_search import AgentSearch
from engine.haq.ddpg import AgentSettings
from engine.haq.environment import QuantizationEnvironment
from engine.haq.hill_climb import HillClimb, RandomSearch
from engine.haq.policy_space import PolicySpace
from engine.haq.record import ANSWERS
from engine.haq.trial import Proposal, Trial
from engine.haq.trial import Strategy as Searcher
from engine.haq.walk import LayerWalk
from engine.schema.layers import ModelSpec
from engine.schema.policy import Policy
from engine.schema.quantize_config import QuantizeConfig
from engine.schema.results import Strategy
from engine.training.checkpoint import State
from engine.training.seed import numpy_generator, torch_generator


class Answer:
    """A policy that the sensitivities alone lead to: a single trial, to see what it is worth."""

    def __init__(self, find: Callable[[], Policy]) -> None:
        self._find = find

    @property
    def is_exhausted(self) -> bool:
        """It has one policy, and `steps_of` asks for one."""
        return False

    def ask(self, most: int) -> list[Proposal]:
        """Find it."""
        assert most >= 1
        policy = self._find()
        return [Proposal(policy=policy, proposed=policy)]

    def tell(self, trial: Trial) -> Trial:
        """Learn nothing."""
        return trial

    def state_dict(self) -> State:
        """Return nothing: there is no state."""
        return {}

    def load_state_dict(self, saved: State) -> None:
        """Take up nothing."""


def searcher(
    strategy: Strategy,
    *,
    config: QuantizeConfig,
    spec: ModelSpec,
    space: PolicySpace,
    environment: QuantizationEnvironment,
    solved: Policy,
) -> Searcher:
    """Return a strategy at its beginning; its randomness is a stream of its own."""
    rng = numpy_generator(config.seed, strategy)
    if strategy == "solver":
        return Answer(lambda: solved)
    if strategy == "greedy":
        return Answer(space.greedy)
    if strategy == "hill_climb":
        return HillClimb(space, environment, start=solved, rng=rng)
    if strategy == "random":
        return RandomSearch(space, rng=rng)
    return AgentSearch(
        space,
        environment,
        LayerWalk(spec.layers, space),
        teacher=solved,
        episodes=config.effort.episodes,
        settings=AgentSettings.published()
        if config.faithful
        else AgentSettings.for_episodes(config.effort.episodes),
        generator=torch_generator(config.seed, strategy),
        rng=rng,
    )


def steps_of(strategy: Strategy, config: QuantizeConfig) -> int:
    """Return how many policies a strategy may try."""
    effort = config.effort
    if strategy in ANSWERS:
        return 1
    return effort.episodes if strategy == "agent" else effort.evaluations
