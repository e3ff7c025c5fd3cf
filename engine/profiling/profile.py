"""A whole profile run: measure every part, then whole networks, then write the table.

It can be killed at any moment and goes on from what it has measured.
"""

import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

from engine.catalog.tables import table_id
from engine.export.files import FOLDER, artifact, write_json
from engine.profiling.choice import choose_runtime
from engine.profiling.fragments import Fragment
from engine.profiling.machine import pinned
from engine.profiling.record import MeasuredItem, ProfileState
from engine.profiling.reference import REFERENCE
from engine.profiling.runtime import Runtime
from engine.profiling.stopwatch import Measurement, measure
from engine.profiling.subject import DrawnNetwork, ProfileSubject, profile_subject
from engine.profiling.table import build_table
from engine.schema.codec import digest
from engine.schema.cost_table import KernelPrecision
from engine.schema.errors import InvalidConfig
from engine.schema.events import (
    BlockMeasured,
    CheckpointSaved,
    Event,
    LogLine,
    NetworkMeasured,
    Progress,
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
_SAVE_EVERY_S = 2.0
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
        self.total = len(self.precisions) * (len(subject.parts) + len(subject.networks))
        self.is_resumed = False
        self.state = self._loaded_state()
        self.saved_at = float("-inf")
        self.since_reference = _REFERENCE_EVERY
        self.measured_here = 0
        self.seconds_here = 0.0

    def events(self) -> Iterator[Event]:
        yield self._first()
        for note in self.subject.notes:
            yield LogLine(text=note, level="warning")
        yield from self._measure_parts()
        if not self.interrupt.finishes:
            yield from self._measure_networks()
        self._take_reference()
        self.state.save(self.path)
        yield CheckpointSaved(stage="profiling", step=len(self.state.items))
        yield RunFinished(result=self._result())

    def _measure_parts(self) -> Iterator[Event]:
        pairs = [(part, precision) for part in self.subject.parts for precision in self.precisions]
        for index, (part, precision) in enumerate(pairs, 1):
            if self.interrupt.finishes and precision == self.precisions[0] and self.state.items:
                return
            if self.state.item(part.label, precision, is_network=False) is not None:
                continue
            fragment = Fragment(parts=(part,))
            measurement = self._measure(fragment, precision, part.label, is_network=False)
            timing = measurement.timing
            assert timing.p10_ms is not None
            assert timing.p90_ms is not None
            yield BlockMeasured(
                index=index,
                total=len(pairs),
                label=part.label,
                precision=precision,
                macs=part.macs,
                median_ms=timing.median_ms,
                p10_ms=timing.p10_ms,
                p90_ms=timing.p90_ms,
                samples=timing.samples,
                attempts=measurement.attempts,
                is_steady=measurement.is_steady,
            )
            yield from self._after_each()

    def _measure_networks(self) -> Iterator[Event]:
        networks = self.subject.networks
        pairs = [(network, precision) for network in networks for precision in self.precisions]
        for index, (network, precision) in enumerate(pairs, 1):
            if self.interrupt.finishes:
                return
            if self.state.item(network.label, precision, is_network=True) is not None:
                continue
            measurement = self._measure(network.fragment, precision, network.label, is_network=True)
            yield NetworkMeasured(
                index=index,
                total=len(pairs),
                label=network.label,
                precision=precision,
                sum_ms=self._sum_ms(network, precision),
                measured_ms=measurement.timing.median_ms,
            )
            yield from self._after_each()

    def _measure(
        self, fragment: Fragment, precision: KernelPrecision, label: str, *, is_network: bool
    ) -> Measurement:
        started = time.monotonic()
        if self.since_reference >= _REFERENCE_EVERY:
            self._take_reference()
        measurement = measure(self.runtime.runner(fragment, precision), self.config)
        self.state.items.append(
            MeasuredItem(
                label=label,
                precision=precision,
                is_network=is_network,
                timing=measurement.timing,
                is_steady=measurement.is_steady,
                segment=len(self.state.references_ms) - 1,
            )
        )
        self.since_reference += 1
        self.measured_here += 1
        seconds = time.monotonic() - started
        self.seconds_here += seconds
        spent = self.state.stage_seconds
        spent["profiling"] = spent.get("profiling", 0.0) + seconds
        return measurement

    def _take_reference(self) -> None:
        runner = self.runtime.runner(REFERENCE, self.precisions[0])
        self.state.references_ms.append(measure(runner, self.config).timing.median_ms)
        self.since_reference = 0

    def _after_each(self) -> Iterator[Event]:
        done = len(self.state.items)
        left = self.total - done
        is_stable = self.measured_here >= _STABLE_AFTER
        yield Progress(
            stage="profiling",
            done=done,
            total=self.total,
            unit="measurements",
            fraction=done / self.total,
            eta_s=left * self.seconds_here / self.measured_here if is_stable else None,
        )
        if self.interrupt.stops or time.monotonic() - self.saved_at > _SAVE_EVERY_S:
            self.state.save(self.path)
            self.saved_at = time.monotonic()
        if self.interrupt.stops:
            raise Stopped

    def _sum_ms(self, network: DrawnNetwork, precision: KernelPrecision) -> float:
        items = [
            self.state.item(part.label, precision, is_network=False)
            for part in network.fragment.parts
        ]
        return sum(item.timing.median_ms for item in items if item is not None)

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
