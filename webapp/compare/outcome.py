"""What a run came to, in terms that every kind of search has."""

from dataclasses import dataclass

from engine.schema.cost import Cost
from engine.schema.results import Accuracy, QuantizeResult, SearchResult
from webapp.charts.comparison import ComparedPoint
from webapp.jobs.answer import delivered
from webapp.jobs.random_band import trained_accuracy

ComparedResult = QuantizeResult | SearchResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What was delivered and what it took; the points stand in the plane of cost and accuracy."""

    found_by: str
    accuracy: Accuracy | None
    cost: Cost
    candidates: int  # policies or networks that were scored
    search_seconds: float
    points: tuple[ComparedPoint, ...]


def outcome(result: ComparedResult) -> Outcome:
    """Return a result in common terms."""
    return _of_bits(result) if isinstance(result, QuantizeResult) else _of_search(result)


def _of_bits(result: QuantizeResult) -> Outcome:
    found = result.contender(result.found)
    return Outcome(
        found_by=found.label,
        accuracy=delivered(found),
        cost=found.cost,
        candidates=found.evaluations,
        search_seconds=found.search_seconds,
        points=tuple(
            ComparedPoint(
                label=row.label,
                cost=row.cost,
                accuracy=accuracy.value,
                is_found=row.id == result.found,
            )
            for row in result.contenders
            # A float network is left out: devices of bits alone have no latency for it.
            if row.policy is not None
            and (row.role == "baseline" or row.id == result.found)
            and (accuracy := delivered(row)) is not None
        ),
    )


def _of_search(result: SearchResult) -> Outcome:
    found = result.contender(result.found)
    spent = (result.stage_seconds.get(stage, 0.0) for stage in ("training", "searching"))
    return Outcome(
        found_by="ProxylessNAS",
        accuracy=trained_accuracy(found),
        cost=found.cost,
        candidates=len(result.candidates),
        search_seconds=sum(spent),
        points=tuple(
            ComparedPoint(
                label=row.label,
                cost=row.cost,
                accuracy=accuracy.value,
                is_found=row.id == result.found,
            )
            for row in result.contenders
            if (accuracy := trained_accuracy(row)) is not None
        ),
    )
