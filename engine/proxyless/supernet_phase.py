"""Warm-up and joint training as events, stopped and resumed at any batch."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from engine.proxyless.course import Course, SinceTold
from engine.proxyless.learner import SearchLearner, SearchStep
from engine.proxyless.priced_space import Choices, PricedSpace
from engine.proxyless.record import RunState
from engine.proxyless.scoring import Judge
from engine.schema.events import CheckpointSaved, EpochFinished, Event, GatesUpdated, Stage
from engine.schema.search_config import SearchConfig
from engine.training.checkpoint import State, load_checkpoint, save_checkpoint
from engine.training.interrupt import Interrupt, Stopped
from engine.training.plan import Plan

_SAVE_EVERY_S = 10.0  # the most work that a kill can cost
_PROGRESS_EVENTS = 200  # over each phase
_GATE_EVENTS = (20, 200)  # over a search: at least, at most
_GATE_NUMBERS = 100_000  # probabilities told in all, where there are many decisions
_DIGITS = 5


class SupernetPhase:
    """The supernet's training in a run: what it tells, and where it goes on."""

    def __init__(
        self,
        learner: SearchLearner,
        *,
        config: SearchConfig,
        priced: PricedSpace,
        judge: Judge,
        state: RunState,
        checkpoint: Path,
        save_state: Callable[[], None],
        plan: Plan,
        interrupt: Interrupt,
    ) -> None:
        self._learner = learner
        self._config = config
        self._priced = priced
        self._judge = judge
        self._state = state
        self._checkpoint = checkpoint
        self._save_state = save_state
        self._plan = plan
        self._interrupt = interrupt
        self._course = Course()
        self._warmup = config.effort.warmup_epochs * learner.batches_an_epoch
        self._gate_stride = _gate_stride(learner.architecture_total, priced)

    @property
    def visited(self) -> tuple[Choices, ...]:
        """Return the argmaxes that were told, those seen last first."""
        return tuple(reversed(self._course.visited))

    @property
    def ended_early(self) -> str:
        """Return why the search ended before its last epoch, as a sentence; "": it did not."""
        return self._course.ended_early

    def load(self) -> None:
        """Go on from the checkpoint, if there is one."""
        saved = load_checkpoint(self._checkpoint)
        if saved is None:
            return
        self._learner.restore(saved["learner"])
        self._course = Course.of(saved["course"])

    def events(self) -> Iterator[Event]:
        """Train to the end, or until the architecture is settled.

        Raises:
            Stopped: on request, after the checkpoint was written.
            Diverged: a loss left the finite range; the last good checkpoint stays.
        """
        if self._course.is_over:
            return
        saved_at = time.monotonic()
        for step in self._learner.steps():
            yield from self._told(step)
            stage = _stage(step)
            self._course.is_over = self._is_over(step)
            is_due = time.monotonic() - saved_at >= _SAVE_EVERY_S
            ends = step.finished_epoch is not None or self._course.is_over
            if ends or is_due or self._interrupt.stops:
                self._save()
                saved_at = time.monotonic()
            # Timed ones are not told: the same config must give the same events.
            if ends:
                yield CheckpointSaved(stage=stage, step=step.done)
            if self._interrupt.stops:
                raise Stopped
            if self._course.is_over:
                return

    def _told(self, step: SearchStep) -> Iterator[Event]:
        learner, course = self._learner, self._course
        if step.architecture is not None:
            course.since.add(step.architecture)
            if learner.architecture_steps % self._gate_stride == 0 or step.finished_epoch:
                yield self._gates(step)
        if step.finished_epoch is not None:
            yield self._epoch(step)
        yield from self._progress(step)

    def _gates(self, step: SearchStep) -> GatesUpdated:
        supernet, seen = self._learner.supernet, self._course.since.mean()
        argmax = supernet.argmax()
        self._course.visit(argmax)
        architecture = self._learner.architecture
        budget, table = self._priced.budgets[0], self._priced.tables[0]
        multipliers = architecture.term.multipliers
        event = GatesUpdated(
            step=self._learner.architecture_steps,
            steps=self._learner.architecture_total,
            epoch=step.epoch,
            probabilities=tuple(
                tuple(round(p, _DIGITS) for p in row.tolist()) for row in supernet.probabilities()
            ),
            entropy=supernet.entropy(),
            expected_cost=architecture.expected_shares()[0] * budget.limit,
            argmax=argmax,
            argmax_cost=table.cost(argmax),
            limit=budget.limit,
            search_loss=seen.loss,
            search_accuracy=seen.accuracy,
            reward=seen.reward,
            multiplier=multipliers[0] if multipliers else None,
        )
        self._course.since = SinceTold()
        return event

    def _epoch(self, step: SearchStep) -> EpochFinished:
        stats, effort = step.finished_epoch, self._config.effort
        assert stats is not None
        argmax = self._learner.supernet.argmax()
        score = self._judge.score(argmax)
        if step.phase == "joint":
            self._state.take(argmax, "argmax", score, is_candidate=False)
            if step.epoch > effort.frozen_epochs:
                self._course.settle(argmax, is_within=self._priced.meets(argmax))
        return EpochFinished(
            stage=_stage(step),
            subject="supernet",
            epoch=stats.epoch,
            epochs=effort.warmup_epochs if step.phase == "warmup" else effort.epochs,
            train_loss=stats.loss,
            train_accuracy=stats.accuracy,
            search_accuracy=score.accuracy,
            learning_rate=stats.learning_rate,
        )

    def _progress(self, step: SearchStep) -> Iterator[Event]:
        if step.phase == "warmup":
            done, total, of_all = step.done, self._warmup, self._warmup
        else:
            done, total = step.done - self._warmup, self._learner.total - self._warmup
            of_all = total + self._config.effort.rescored
        if done % max(1, total // _PROGRESS_EVENTS) == 0 or step.finished_epoch is not None:
            yield self._plan.progress(_stage(step), done, of_all, "image batches")

    def _is_over(self, step: SearchStep) -> bool:
        """Tell whether the search is to end after a step, and note why if it is early."""
        if step.done == self._learner.total:
            return True
        if self._interrupt.finishes:
            self._state.is_hurried = True
            self._course.ended_early = "The search was ended early, as asked."
        elif step.phase == "joint" and step.finished_epoch is not None:
            self._course.ended_early = self._settled(step.epoch)
        return bool(self._course.ended_early)

    def _settled(self, epoch: int) -> str:
        """Say why nothing more is to be learnt; "": there may be more."""
        effort, ends = self._config.effort, f"The search ended after {epoch} epochs: "
        if self._course.settled_epochs >= effort.settled_epochs:
            return f"{ends}for {effort.settled_epochs} of them the likeliest network was the same."
        if self._learner.supernet.entropy() < effort.settled_entropy:
            return f"{ends}its probabilities had settled."
        return ""

    def _save(self) -> None:
        self._learner.require_finite()
        state: State = {"learner": self._learner.state(), "course": self._course.state()}
        # The state first: what it has too many is scored again, alike.
        self._save_state()
        save_checkpoint(self._checkpoint, state)


def _stage(step: SearchStep) -> Stage:
    return "training" if step.phase == "warmup" else "searching"


def _gate_stride(steps: int, priced: PricedSpace) -> int:
    """Return after how many architecture steps the gates are told of."""
    least, most = _GATE_EVENTS
    numbers = sum(priced.options)
    events = max(least, min(most, _GATE_NUMBERS // numbers))
    return max(1, steps // events)
