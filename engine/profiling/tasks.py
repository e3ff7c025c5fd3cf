"""What a profile run measures, one thing after the other, and what it tells of each."""

from collections.abc import Sequence
from dataclasses import dataclass

from engine.profiling.fragments import Fragment, Part
from engine.profiling.record import MeasuredItem, ProfileState
from engine.profiling.subject import DrawnNetwork, ProfileSubject
from engine.schema.cost_table import KernelPrecision
from engine.schema.events import BlockMeasured, NetworkMeasured


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One part or whole network at one precision."""

    index: int  # from 1, among parts or among networks
    total: int
    what: Part | DrawnNetwork
    precision: KernelPrecision

    @property
    def label(self) -> str:
        """What it is called in the state and in events."""
        return self.what.label

    @property
    def is_network(self) -> bool:
        """Is it run end to end, to be held against the sum of its rows?"""
        return isinstance(self.what, DrawnNetwork)

    @property
    def fragment(self) -> Fragment:
        """What is timed."""
        return Fragment(parts=(self.what,)) if isinstance(self.what, Part) else self.what.fragment

    def done(self, state: ProfileState) -> MeasuredItem | None:
        """Return what was measured; None: nothing yet."""
        return state.item(self.label, self.precision, is_network=self.is_network)

    def told(self, item: MeasuredItem, state: ProfileState) -> BlockMeasured | NetworkMeasured:
        """Return the event of what was measured; the same one whenever it is asked for."""
        timing = item.timing
        if isinstance(self.what, DrawnNetwork):
            return NetworkMeasured(
                index=self.index,
                total=self.total,
                label=self.label,
                precision=self.precision,
                sum_ms=_sum_ms(self.what, self.precision, state),
                measured_ms=timing.median_ms,
                spread=item.spread,
                rejected=item.rejected,
            )
        assert timing.p10_ms is not None
        assert timing.p90_ms is not None
        return BlockMeasured(
            index=self.index,
            total=self.total,
            label=self.label,
            precision=self.precision,
            macs=self.what.macs,
            median_ms=timing.median_ms,
            p10_ms=timing.p10_ms,
            p90_ms=timing.p90_ms,
            samples=timing.samples,
            attempts=item.attempts,
            is_steady=item.is_steady,
            spread=item.spread,
            rejected=item.rejected,
        )


def tasks_of(subject: ProfileSubject, precisions: Sequence[KernelPrecision]) -> tuple[Task, ...]:
    """Return all that is measured, in order: every part, then every network."""
    return (*_tasks(subject.parts, precisions), *_tasks(subject.networks, precisions))


def _tasks(
    things: Sequence[Part] | Sequence[DrawnNetwork], precisions: Sequence[KernelPrecision]
) -> list[Task]:
    pairs = [(what, precision) for what in things for precision in precisions]
    return [
        Task(index=index, total=len(pairs), what=what, precision=precision)
        for index, (what, precision) in enumerate(pairs, 1)
    ]


def _sum_ms(network: DrawnNetwork, precision: KernelPrecision, state: ProfileState) -> float:
    items = [state.item(part.label, precision, is_network=False) for part in network.fragment.parts]
    return sum(item.timing.median_ms for item in items if item is not None)
