"""Transfer matrices: networks and policies of one run, priced on every other device.

Nothing is measured for it: each number comes from the device's cost model.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from engine.cost.model import CostModel
from engine.cost.pricing import cost_model
from engine.schema.cost import Cost, Metric
from engine.schema.errors import EngineError
from engine.schema.layers import ModelSpec
from engine.schema.policy import MAX_BITS, Policy
from engine.schema.target import Target
from webapp.charts.quantities import QUANTITIES, metric_title, write
from webapp.tables.targets import CATALOGUE, Targets

_METRICS: tuple[Metric, ...] = ("latency_ms", "energy_mj")  # those that devices differ in
_NO_PRICE = "–"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is priced: a network under a policy, or in float where there is none."""

    label: str
    network: ModelSpec
    policy: Policy | None
    is_found: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferCell:
    """One subject on one device."""

    text: str  # "–" where there is no price
    why: str = ""  # there is none, or it does not run there
    is_best: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferRow:
    """One device."""

    target: Target
    cells: tuple[TransferCell, ...]  # in the order of the subjects
    note: str  # how it treats widths it does not have; "" where it has them all
    is_own: bool  # what the run was cut for

    @property
    def is_known(self) -> bool:
        """Whether it is a device of the catalogue, or a table that has a price here."""
        is_table = self.target.cost_table is not None
        return not is_table or any(cell.text != _NO_PRICE for cell in self.cells)


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferMatrix:
    """Devices by subjects in one metric, the lowest of each device marked."""

    metric: Metric
    title: str
    unit: str
    subjects: tuple[Subject, ...]
    rows: tuple[TransferRow, ...]


def transfer_matrices(
    subjects: Sequence[Subject], *, own: str, targets: Targets = CATALOGUE
) -> tuple[TransferMatrix, ...]:
    """Return a matrix of latencies, and one of energies where `own` tells them."""
    cut_for = targets.find(own)
    told = cut_for.metrics if cut_for else ()
    metrics = [metric for metric in _METRICS if metric in told or metric == _METRICS[0]]
    return tuple(
        transfer_matrix(subjects, metric=metric, own=own, targets=targets) for metric in metrics
    )


def transfer_matrix(
    subjects: Sequence[Subject], *, metric: Metric, own: str, targets: Targets = CATALOGUE
) -> TransferMatrix:
    """Return what each subject costs on each device that tells the metric; `own` comes first.

    Tables that know none of the subjects are left out.
    """
    telling = [target for target in targets.all() if metric in target.metrics]
    cut_for = targets.find(own)
    own = cut_for.id if cut_for else own  # a host is the table that was measured of it
    ordered = sorted(telling, key=lambda target: target.id != own)
    rows = [_row(target, subjects, metric, is_own=target.id == own) for target in ordered]
    quantity = QUANTITIES[metric]
    return TransferMatrix(
        metric=metric,
        title=quantity.title,
        unit=quantity.units[0].symbol,
        subjects=tuple(subjects),
        rows=tuple(row for row in rows if row.is_own or row.is_known),
    )


def _row(
    target: Target, subjects: Sequence[Subject], metric: Metric, *, is_own: bool
) -> TransferRow:
    model = cost_model(target)
    cells = [_cell(target, metric, _priced(model, metric, subject)) for subject in subjects]
    return TransferRow(
        target=target,
        cells=_with_best(cells),
        note=_note(target),
        is_own=is_own,
    )


def _priced(model: CostModel, metric: Metric, subject: Subject) -> Cost | str:
    """Return what a subject costs, or why there is no price."""
    try:
        cost = model.network_cost(subject.network, subject.policy)
    except EngineError as error:
        return str(error).partition(": ")[2] or str(error)
    if metric not in cost:
        return "the device computes on integers; float has no price"
    return cost


def _with_best(cells: Sequence[TransferCell]) -> tuple[TransferCell, ...]:
    """Mark the lowest of what runs there, as it is written; nothing where all are written alike."""
    written = {cell.text for cell in cells if cell.text != _NO_PRICE}
    running = {cell.text for cell in cells if not cell.why}
    lowest = min(running, key=_number, default=None)
    return tuple(
        replace(cell, is_best=len(written) > 1 and not cell.why and cell.text == lowest)
        for cell in cells
    )


def _number(text: str) -> float:
    return float(text.replace(",", ""))


def _cell(target: Target, metric: Metric, cost: Cost | str) -> TransferCell:
    if isinstance(cost, str):
        return TransferCell(text=_NO_PRICE, why=cost)
    too_much = [
        f"{metric_title(limited).lower()} of {write(limited, cost[limited])} is beyond its "
        f"{write(limited, limit)}"
        for limited, limit in target.limits.items()
        if cost[limited] > limit
    ]
    return TransferCell(
        text=QUANTITIES[metric].units[0].digits(cost[metric]),
        why="does not fit: " + "; ".join(too_much) if too_much else "",
    )


def _note(target: Target) -> str:
    has = sorted(set(target.weight_bits) & set(target.activation_bits))
    missing = [bits for bits in range(2, MAX_BITS + 1) if bits not in has]
    if not missing:
        return ""
    if has == [MAX_BITS]:
        return "every width runs as int8"
    return "a width it does not have runs as the next one up"
