"""From what a run has measured to the table that it delivers."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from engine.cost.block_rows import block_key
from engine.cost.lookup_table import layer_shape
from engine.profiling.end_to_end import MeasuredNetwork, fit_end_to_end
from engine.profiling.fragments import Part
from engine.profiling.record import MeasuredItem, ProfileState
from engine.profiling.stopwatch import protocol_of
from engine.profiling.subject import DrawnNetwork, ProfileSubject
from engine.schema.cost_table import (
    BlockRow,
    CostTable,
    EndToEnd,
    KernelPrecision,
    LayerRow,
    Timing,
)
from engine.schema.profile_config import ProfileConfig

_Times = dict[KernelPrecision, Timing]


def build_table(
    config: ProfileConfig,
    subject: ProfileSubject,
    state: ProfileState,
    *,
    precisions: Sequence[KernelPrecision],
) -> CostTable:
    """Return the table of a run; parts that lack a precision are left out and named."""
    times = {part: _times(state, part, precisions) for part in subject.parts}
    measured = {part: row for part, row in times.items() if len(row) == len(precisions)}
    where = state.machine.title
    return CostTable(
        name=config.name,
        title=f"{subject.title} on {where}",
        source=f"A profile run on {where}",
        provenance="measured",
        batch=config.batch,
        subject=config.subject,
        host=config.device,
        machine=state.machine,
        runtime=f"{state.runtime}, {config.threads} thread{'s' if config.threads > 1 else ''}",
        protocol=protocol_of(config),
        measured_at=datetime.now(UTC).isoformat(timespec="seconds"),
        blocks=tuple(_block_row(part, row) for part, row in measured.items() if part.is_block),
        layers=tuple(_layer_row(part, row) for part, row in measured.items() if not part.is_block),
        end_to_end=_end_to_end(subject.networks, measured, state, precisions),
        notes=(*subject.notes, *_notes(state, subject.parts, measured)),
    )


def _times(state: ProfileState, part: Part, precisions: Sequence[KernelPrecision]) -> _Times:
    items = [state.item(part.label, precision, is_network=False) for precision in precisions]
    return {item.precision: _settled(state, item) for item in items if item is not None}


def _settled(state: ProfileState, item: MeasuredItem) -> Timing:
    """Return a timing, rescaled where the machine drifted."""
    correction = state.correction(item)
    p10_ms, p90_ms = (
        None if ms is None else ms / correction for ms in (item.timing.p10_ms, item.timing.p90_ms)
    )
    return replace(item.timing, median_ms=state.settled_ms(item), p10_ms=p10_ms, p90_ms=p90_ms)


def _block_row(part: Part, times: _Times) -> BlockRow:
    key = block_key(part.layers)
    assert key is not None
    return BlockRow(**key._asdict(), times=times)


def _layer_row(part: Part, times: _Times) -> LayerRow:
    return LayerRow(**layer_shape(part.layers[0])._asdict(), times=times)


def _end_to_end(
    networks: Sequence[DrawnNetwork],
    measured: dict[Part, _Times],
    state: ProfileState,
    precisions: Sequence[KernelPrecision],
) -> dict[KernelPrecision, EndToEnd] | None:
    by_label = {part.label: times for part, times in measured.items()}
    fits: dict[KernelPrecision, EndToEnd] = {}
    for precision in precisions:
        compared = list(_compared(networks, by_label, state, precision))
        fit = fit_end_to_end(compared)
        if fit is not None:
            fits[precision] = fit
    return fits or None


def _compared(
    networks: Sequence[DrawnNetwork],
    by_label: dict[str, _Times],
    state: ProfileState,
    precision: KernelPrecision,
) -> list[MeasuredNetwork]:
    compared = []
    for network in networks:
        item = state.item(network.label, precision, is_network=True)
        rows = [by_label.get(part.label) for part in network.fragment.parts]
        if item is None or any(row is None for row in rows):
            continue
        compared.append(
            MeasuredNetwork(
                label=network.label,
                choices=network.choices,
                sum_ms=sum(row[precision].median_ms for row in rows if row is not None),
                measured_ms=state.settled_ms(item),
            )
        )
    return compared


def _notes(
    state: ProfileState, parts: Sequence[Part], measured: dict[Part, _Times]
) -> tuple[str, ...]:
    notes = []
    missing = [part.label for part in parts if part not in measured]
    if missing:
        notes.append(
            f"The run was ended early: {len(missing)} of {len(parts)} shapes have no time; the "
            f"first is {missing[0]}."
        )
    unsteady = sum(not item.is_steady for item in state.items)
    if unsteady:
        notes.append(
            f"{unsteady} of {len(state.items)} measurements still scattered by more than 5 % after "
            "every attempt: something else kept the machine busy."
        )
    drifted = sum(state.correction(item) != 1.0 for item in state.items)
    if drifted:
        notes.append(
            f"{drifted} measurements were rescaled: the reference operation ran more than 5 % "
            "faster or slower around them."
        )
    return tuple(notes)
