"""The table of a comparison: a row per quantity, a column per run, differences marked."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.catalog.spaces import SPACES
from engine.schema.codec import from_json
from engine.schema.cost import Metric
from engine.schema.space_shape import SpaceShape
from webapp.charts.quantities import QUANTITIES, duration, percent
from webapp.compare.cells import Cell, Row
from webapp.compare.outcome import ComparedResult, Outcome, outcome
from webapp.compare.profiles import profile_rows
from webapp.compare.selection import Run, are_comparable
from webapp.jobs.answer import dataset_title, model_title, target_title
from webapp.jobs.models import Job
from webapp.jobs.question import budgets_words, plain_config

_COSTS: tuple[Metric, ...] = ("latency_ms", "energy_mj", "model_bytes", "macs", "bit_ops")


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Rows that belong together."""

    title: str
    rows: tuple[Row, ...]


def comparison(runs: Sequence[Run], *, only_differences: bool = False) -> list[Group]:
    """Return the table, grouped; with `only_differences`, without rows that all agree."""
    groups = [
        Group(title="Outcome", rows=_outcome(runs)),
        Group(title="Measured", rows=profile_rows(runs)),
        Group(title="Set up", rows=_set_up(runs)),
        Group(title="Effort", rows=_flat_rows(runs, "effort")),
    ]
    if only_differences:
        groups = [
            Group(title=group.title, rows=tuple(row for row in group.rows if row.differs))
            for group in groups
        ]
    return [group for group in groups if group.rows]


def _outcome(runs: Sequence[Run]) -> tuple[Row, ...]:
    has_best = len(runs) > 1 and are_comparable(runs)
    accuracies = [_found_accuracy(run.result) for run in runs]
    best = max((value for value, _ in accuracies if value is not None), default=None)
    rows = [
        Row(title="State", cells=tuple(Cell(text=run.job.get_status_display()) for run in runs)),
        Row(
            title="Accuracy as delivered",
            cells=tuple(
                Cell(
                    text=text,
                    provenance="measured" if value is not None else "",
                    is_best=has_best and value is not None and value == best,
                )
                for value, text in accuracies
            ),
        ),
    ]
    rows += [row for metric in _COSTS if (row := _cost_row(runs, metric, has_best=has_best))]
    rows.append(_row(runs, "Candidates scored", lambda o: f"{o.candidates:,}"))
    rows.append(_row(runs, "Search time", lambda o: duration(o.search_seconds), "measured"))
    rows.append(_row(runs, "Found by", lambda o: o.found_by))
    if all(run.profile for run in runs):  # they find nothing
        return tuple(rows[:1])
    return tuple(rows)


def _set_up(runs: Sequence[Run]) -> tuple[Row, ...]:
    titled: list[tuple[str, Callable[[Run], str]]] = [
        ("Kind", lambda run: run.job.get_kind_display()),
        ("Network or space", lambda run: _model(run.job)),
        ("Data set", lambda run: dataset_title(run.job.dataset) or "–"),
        ("Target", lambda run: target_title(run.job.target, run.job.target_title)),
        ("Budget", lambda run: budgets_words(run.job)),
        ("Preset", lambda run: run.job.preset or "custom"),
        ("Owner", lambda run: run.job.owner.get_username()),
    ]
    rows = [
        Row(title=title, cells=tuple(Cell(text=say(run)) for run in runs)) for title, say in titled
    ]
    return (*rows, *_flat_rows(runs, ""))


def _model(job: Job) -> str:
    space = SPACES.get(job.model) if job.kind != Job.Kind.QUANTIZE else None
    if space is None:
        return model_title(job.model)
    return from_json(SpaceShape, job.config.get("shape", {})).titled(space.title)


def _flat_rows(runs: Sequence[Run], section: str) -> tuple[Row, ...]:
    """Return the plain values of a config, or of one of its sections, by name."""
    shown_above = {"kind", "model", "space", "subject", "dataset", "target", "preset", "budgets"}
    shown_above |= {"accuracy_drop", "objective"}
    plain = [plain_config(run.job.config) for run in runs]
    configs = [config.get(section, {}) if section else config for config in plain]
    names = dict.fromkeys(name for config in configs for name in config)
    return tuple(
        Row(
            title=name.replace("_", " ").replace("finetune", "fine-tune").capitalize(),
            cells=tuple(Cell(text=_plain(config.get(name))) for config in configs),
        )
        for name in names
        if name not in shown_above and not any(isinstance(c.get(name), dict) for c in configs)
    )


def _plain(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, list):
        return ", ".join(str(each) for each in value) or "–"
    return str(value)


def _cost_row(runs: Sequence[Run], metric: Metric, *, has_best: bool) -> Row | None:
    values = [outcome(run.result).cost.values.get(metric) if run.result else None for run in runs]
    known = [value.value for value in values if value is not None]
    if not known:
        return None
    unit = QUANTITIES[metric].unit_for(known)
    return Row(
        title=QUANTITIES[metric].title,
        cells=tuple(
            Cell(text="–")
            if value is None
            else Cell(
                text=unit.write(value.value),
                provenance=value.provenance,
                is_best=has_best and value.value == min(known),
            )
            for value in values
        ),
    )


def _row(
    runs: Sequence[Run],
    title: str,
    say: Callable[[Outcome], str],
    provenance: str = "",
) -> Row:
    return Row(
        title=title,
        cells=tuple(
            Cell(text="–")
            if run.result is None
            else Cell(text=say(outcome(run.result)), provenance=provenance)
            for run in runs
        ),
    )


def _found_accuracy(result: ComparedResult | None) -> tuple[float | None, str]:
    accuracy = outcome(result).accuracy if result else None
    if accuracy is None:
        return None, "–"
    return accuracy.value, f"{percent(accuracy.value)} ± {100 * accuracy.standard_error:.1f}"
