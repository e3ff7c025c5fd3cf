"""The search: every strategy in turn, round by round; saved and interruptible between rounds."""

import time
from collections.abc import Iterator
from pathlib import Path

from engine.haq.environment import QuantizationEnvironment, bits_of
from engine.haq.policy_space import PolicySpace
from engine.haq.record import STRATEGIES, RunState, StrategyRecord
from engine.haq.strategies import searcher, steps_of
from engine.haq.subject import Subject
from engine.haq.trial import Trial, next_round
from engine.schema.cost import Metric
from engine.schema.events import CandidateFound, CheckpointSaved, EpisodeFinished, Event
from engine.schema.policy import Policy
from engine.schema.quantize_config import QuantizeConfig
from engine.schema.results import Strategy
from engine.training.interrupt import Interrupt, Stopped
from engine.training.plan import Plan

_SAVE_EVERY_S = 2.0  # with the round under way, the most work that a kill can cost


class Search:
    """One run's search: what is searched, and how far it is."""

    def __init__(
        self,
        config: QuantizeConfig,
        subject: Subject,
        *,
        space: PolicySpace,
        environment: QuantizationEnvironment,
        solved: Policy,
        state: RunState,
        checkpoint: Path,
        plan: Plan,
        interrupt: Interrupt,
    ) -> None:
        self._config = config
        self._subject = subject
        self._space = space
        self._environment = environment
        self._solved = solved
        self._state = state
        self._checkpoint = checkpoint
        self._plan = plan
        self._interrupt = interrupt
        environment.remember(state.scores)

    def run(self) -> Iterator[Event]:
        """Run what is left of every strategy.

        Raises:
            Stopped: on request, after the checkpoint was written.
            Diverged: a loss left the finite range.
        """
        for strategy in STRATEGIES:
            # The solver's answer is always scored: there is a best to keep from the first step on.
            if self._interrupt.finishes and strategy != "solver":
                break
            yield from self._run(strategy)
        self._save()
        yield CheckpointSaved(stage="searching", step=self._done())

    def _run(self, strategy: Strategy) -> Iterator[Event]:
        record = self._state.record(strategy)
        if record.is_over:
            return
        steps = steps_of(strategy, self._config)
        search = searcher(
            strategy,
            config=self._config,
            spec=self._subject.spec,
            space=self._space,
            environment=self._environment,
            solved=self._solved,
        )
        if record.searcher is not None:
            search.load_state_dict(record.searcher)
        saved_at = time.monotonic()
        while record.steps < steps and not search.is_exhausted:
            started = time.monotonic()
            most = min(self._config.effort.policies_at_once, steps - record.steps)
            for trial in next_round(search, self._environment, most=most):
                yield from self._told(strategy, record, trial)
            record.seconds += time.monotonic() - started
            if self._interrupt.requested or time.monotonic() - saved_at > _SAVE_EVERY_S:
                record.searcher = search.state_dict()
                self._save()
                saved_at = time.monotonic()
            if self._interrupt.stops:
                raise Stopped
            if self._interrupt.finishes:
                break
        record.is_over = True
        record.searcher = None

    def _told(self, strategy: Strategy, record: StrategyRecord, trial: Trial) -> Iterator[Event]:
        """Take in a trial and tell of it."""
        state, bits = self._state, bits_of(trial.policy)
        reward = self._environment.reward(trial.score)
        state.scores[bits] = trial.score
        state.origins.setdefault(bits, strategy)
        record.take(trial, reward=reward)
        yield self._episode(strategy, record, trial, reward)
        if state.best_loss is None or trial.score.loss < state.best_loss:
            state.best_loss = trial.score.loss
            yield CandidateFound(
                strategy=strategy,
                episode=record.steps,
                accuracy=trial.score.accuracy,
                reward=reward,
                costs=self.costs(trial.policy),
                policy=trial.policy,
            )
        yield self._plan.progress("searching", self._done(), self._total(), "policies")

    def _episode(
        self, strategy: Strategy, record: StrategyRecord, trial: Trial, reward: float
    ) -> EpisodeFinished:
        costs = self.costs(trial.policy)
        metric = self._config.budgets[0].metric
        bits, proposed = bits_of(trial.policy), bits_of(trial.proposed)
        assert record.best_reward is not None
        return EpisodeFinished(
            strategy=strategy,
            episode=record.steps,
            reward=reward,
            accuracy=trial.score.accuracy,
            loss=trial.score.loss,
            cost_ratio=costs[metric] / self._widest_cost(metric),
            costs=costs,
            best_reward=record.best_reward,
            bits=bits,
            proposed_bits=None if proposed == bits else proposed,
            cache_hit=trial.cache_hit,
            sigma=trial.sigma,
            value_loss=trial.value_loss,
            policy_loss=trial.policy_loss,
        )

    def costs(self, policy: Policy) -> dict[Metric, float]:
        """Return every metric of a policy."""
        priced = self._subject.costs.network_cost(self._subject.spec, policy)
        return {metric: value.value for metric, value in priced.values.items()}

    def _widest_cost(self, metric: Metric) -> float:
        return self._subject.costs.network_cost(self._subject.spec, self._space.widest)[metric]

    def _done(self) -> int:
        """Return the steps taken, and those that an exhausted strategy will not take."""
        return sum(
            steps_of(name, self._config) if record.is_over else record.steps
            for name, record in self._state.records.items()
        )

    def _total(self) -> int:
        return sum(steps_of(name, self._config) for name in STRATEGIES)

    def _save(self) -> None:
        self._state.save(self._checkpoint)
