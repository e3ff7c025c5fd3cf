"""A whole profile run: measure every part, then whole networks, then write the table.

It can be killed at any moment and goes on from what it has measured.
"""

import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from statistics import median

from engine.catalog.tables import table_id
from engine.export.files import FOLDER, artifact, write_json
from engine.profiling.choice import choose_runtime
from engine.profiling.machine import pinned
from engine.profiling.record import MeasuredItem, ProfileState
from engine.profiling.reference import REFERENCE
from engine.profiling.runtime import Runtime
from engine.profiling.stopwatch import measure
from engine.profiling.subject import ProfileSubject, profile_subject
from engine.profiling.table import build_table
from engine.profiling.tasks import Task, tasks_of
from engine.schema.codec import digest
from engine.schema.errors import InvalidConfig
from engine.schema.events import (
    CheckpointSaved,
    Event,
    LogLine,
    Progress,
    ReferenceMeasured,
    RunFinished,
    RunResumed,
    RunStarted,
)
from engine.schema.profile_config import ProfileConfig
from engine.schema.results import ProfileResult
from engine.training.interrupt import Interrupt, Stopped

STATE = "profile.json"
TABLE = "table.json"
_REFERENCE_EVERY = 20  # measurements
_CHECKPOINT_EVERY_S = 2.0
_STABLE_AFTER = 5  # measurements: an estimate of the rest is told from there on


def profile(config: ProfileConfig, workdir: Path, *, interrupt: Interrupt) -> Iterator[Event]:
    """Measure what a config names, from the working folder's state if there is one.

    Raises:
        EngineError: something that the person who started the run can mend.
        Stopped: on request; what was measured is saved.
    """
    runtime = choose_runtime(config)
    subject = profile_subject(config)
    with pinned(config.threads) if config.device == "cpu" else nullcontext():
        yield from _Profile(config, workdir, runtime, subject, interrupt).events()


class _Profile:
    def __init__(
        self,
        config: ProfileConfig,
        workdir: Path,
        runtime: Runtime,
        subject: ProfileSubject,
        interrupt: Interrupt,
    ) -> None:
        self.config = config
        self.workdir = workdir
        self.runtime = runtime
        self.subject = subject
        self.interrupt = interrupt
        self.precisions = config.measured
        self.path = workdir / STATE
        self.tasks = tasks_of(subject, self.precisions)
        self.total = len(self.tasks)
        self.is_resumed = False
        self.state = self._loaded_state()
        self.told_at = time.monotonic()  # of the last checkpoint
        self.since_reference = _REFERENCE_EVERY
        self.measured_here = 0
        self.seconds_here = 0.0

    def events(self) -> Iterator[Event]:
        yield self._first()
        for note in self.subject.notes:
            yield LogLine(text=note, level="warning")
        yield from self._told_again()
        yield from self._measure_all()
        yield self._take_reference()
        yield self._checkpoint()
        yield RunFinished(result=self._result())

    def _told_again(self) -> Iterator[Event]:
        """Yield what was measured since the last checkpoint: a kill may have cut its telling."""
        by_key = {(task.is_network, task.label, task.precision): task for task in self.tasks}
        for item in self.state.items[self.state.checkpoint :]:
            task = by_key[item.is_network, item.label, item.precision]
            yield task.told(item, self.state)

    def _measure_all(self) -> Iterator[Event]:
        for task in self.tasks:
            if self._ends_before(task):
                return
            if task.done(self.state) is not None:
                continue
            started = time.monotonic()
            if self.since_reference >= _REFERENCE_EVERY:
                yield self._take_reference()
            item = self._measure(task)
            self._note_time(time.monotonic() - started)
            # Saved before it is told: what is told twice could differ, what is lost is told again.
            self.state.save(self.path)
            yield task.told(item, self.state)
            yield self._progress()
            if self.interrupt.stops or time.monotonic() - self.told_at > _CHECKPOINT_EVERY_S:
                yield self._checkpoint()
            if self.interrupt.stops:
                raise Stopped

    def _ends_before(self, task: Task) -> bool:
        """Whether the run is to end with what it has; a shape that was begun gets its times."""
        if not self.interrupt.finishes:
            return False
        begins_shape = task.precision == self.precisions[0] and bool(self.state.items)
        return task.is_network or begins_shape

    def _measure(self, task: Task) -> MeasuredItem:
        measurement = measure(self.runtime.runner(task.fragment, task.precision), self.config)
        item = MeasuredItem(
            label=task.label,
            precision=task.precision,
            is_network=task.is_network,
            timing=measurement.timing,
            is_steady=measurement.is_steady,
            spread=measurement.spread,
            attempts=measurement.attempts,
            rejected=measurement.rejected,
            segment=len(self.state.references_ms) - 1,
        )
        self.state.items.append(item)
        self.since_reference += 1
        return item

    def _note_time(self, seconds: float) -> None:
        self.measured_here += 1
        self.seconds_here += seconds
        spent = self.state.stage_seconds
        spent["profiling"] = spent.get("profiling", 0.0) + seconds

    def _take_reference(self) -> ReferenceMeasured:
        runner = self.runtime.runner(REFERENCE, self.precisions[0])
        median_ms = measure(runner, self.config).timing.median_ms
        references = self.state.references_ms
        references.append(median_ms)
        self.since_reference = 0
        return ReferenceMeasured(
            index=len(references),
            after=len(self.state.items),
            median_ms=median_ms,
            drift=median_ms / median(references) - 1,
        )

    def _progress(self) -> Progress:
        done = len(self.state.items)
        left = self.total - done
        is_stable = self.measured_here >= _STABLE_AFTER
        return Progress(
            stage="profiling",
            done=done,
            total=self.total,
            unit="measurements",
            fraction=done / self.total,
            eta_s=left * self.seconds_here / self.measured_here if is_stable else None,
        )

    def _checkpoint(self) -> CheckpointSaved:
        self.state.checkpoint = len(self.state.items)
        self.state.save(self.path)
        self.told_at = time.monotonic()
        return CheckpointSaved(stage="profiling", step=self.state.checkpoint)

    def _result(self) -> ProfileResult:
        table = build_table(self.config, self.subject, self.state, precisions=self.precisions)
        path = self.workdir / FOLDER / TABLE
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, table)
        return ProfileResult(
            target=table_id(table),
            table=table,
            artifacts=(
                artifact(
                    path,
                    workdir=self.workdir,
                    role="table",
                    title="Cost table",
                    media_type="application/json",
                ),
            ),
            stage_seconds=self.state.stage_seconds,
            notes=table.notes,
        )

    def _loaded_state(self) -> ProfileState:
        config_hash = digest(replace(self.config, name="any"))
        state = ProfileState.load(self.path)
        if state is None:
            return ProfileState(
                config_hash=config_hash, machine=self.runtime.machine, runtime=self.runtime.name
            )
        if state.config_hash != config_hash:
            raise InvalidConfig(
                "workdir", f"{self.workdir} holds a profile of another config; give a new one"
            )
        if (state.machine, state.runtime) != (self.runtime.machine, self.runtime.name):
            raise InvalidConfig(
                "workdir",
                f"{self.workdir} holds times of another machine or runtime ({state.runtime} on "
                f"{state.machine.processor}); give a new one",
            )
        self.is_resumed = bool(state.items)
        return state

    def _first(self) -> Event:
        if self.is_resumed:
            return RunResumed(stage="profiling", step=len(self.state.items))
        return RunStarted(
            config_hash=digest(self.config),
            device=self.config.device,
            versions={"runtime": self.runtime.name},
        )
