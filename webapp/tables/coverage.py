"""Which spaces and models of the catalogue a table has times for, on which data."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from math import floor

from engine.catalog.datasets import DATASETS
from engine.catalog.models import MODELS, layer_table, model_entry
from engine.catalog.spaces import SPACES, space_entry, space_for
from engine.cost.table_coverage import Coverage, model_coverage, space_coverage
from engine.schema.architecture import SearchSpace
from engine.schema.cost_table import CostTable
from engine.schema.errors import InvalidConfig
from engine.schema.layers import ModelSpec
from webapp.charts.quantities import percent

_NAMED_HOLES = 12
_NATIVE = "as it was made"


@dataclass(frozen=True, slots=True, kw_only=True)
class CoveredSubject:
    """One space or model as it is on some data, and how much of it a table has."""

    title: str
    kind: str  # "space" or "network"
    on: str  # its data
    covered: int  # distinct shapes
    total: int
    holes: tuple[str, ...]  # the first of those that are missing, by name
    more: int  # holes beyond these

    @property
    def is_whole(self) -> bool:
        """Can every network of it be priced?"""
        return self.covered == self.total

    @property
    def share(self) -> float:
        """The part of its shapes that is covered, 0-1."""
        return self.covered / self.total

    @property
    def percent(self) -> str:
        """The share in words; only what is whole is 100 %."""
        return percent(floor(100 * self.share) / 100, places=0)


def covered_subjects(table: CostTable) -> tuple[CoveredSubject, ...]:
    """Return the catalogue's spaces and models that a table has any row of, the fullest first."""
    found = [
        _subject(space_coverage(table, subject), subject.title, on)
        if isinstance(subject, SearchSpace)
        else _subject(model_coverage(table, subject), model_entry(subject.model).title, on)
        for subject, on in _subjects()
    ]
    # Python's sort keeps the catalogue's order among equals.
    return tuple(sorted((one for one in found if one.covered), key=lambda one: -one.share))


def _subject(found: Coverage, title: str, on: str) -> CoveredSubject:
    return CoveredSubject(
        title=title,
        kind="space" if found.kind == "space" else "network",
        on=on,
        covered=found.covered,
        total=found.total,
        holes=found.holes[:_NAMED_HOLES],
        more=max(0, len(found.holes) - _NAMED_HOLES),
    )


@cache
def _subjects() -> tuple[tuple[SearchSpace | ModelSpec, str], ...]:
    """Return each space and model once for each of the data sets on which it is another one."""
    subjects: list[tuple[SearchSpace | ModelSpec, str]] = []
    by_entry: list[Iterator[tuple[SearchSpace | ModelSpec, str]]]
    by_entry = [*map(_spaces, SPACES), *map(_models, MODELS)]
    for versions in by_entry:
        distinct: dict[SearchSpace | ModelSpec, list[str]] = {}
        for subject, on in versions:
            distinct.setdefault(subject, []).append(on)
        subjects += [(subject, ", ".join(names)) for subject, names in distinct.items()]
    return tuple(subjects)


def _spaces(space_id: str) -> Iterator[tuple[SearchSpace | ModelSpec, str]]:
    yield space_entry(space_id), _NATIVE
    for dataset in DATASETS.values():
        try:
            yield space_for(space_id, dataset=dataset), dataset.title
        except InvalidConfig:  # images that do not fit it
            continue


def _models(model_id: str) -> Iterator[tuple[SearchSpace | ModelSpec, str]]:
    for dataset in (None, *DATASETS.values()):
        spec = layer_table(model_id, dataset)
        if spec is not None:
            yield spec, dataset.title if dataset else _NATIVE
