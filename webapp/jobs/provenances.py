"""How the numbers of a result are known, each word of provenance with what stands behind it."""

from engine.schema.cost import Cost
from webapp.charts.quantities import PROVENANCE_MEANING


def provenances(cost: Cost, *, measured: str) -> tuple[tuple[str, str, str], ...]:
    """Return word, meaning and validation of each provenance, `measured` first."""
    known: dict[str, str] = {"measured": measured}
    for value in cost.values.values():
        known.setdefault(value.provenance, value.validation)
    return tuple(
        (word, PROVENANCE_MEANING.get(word, ""), validation)  # type: ignore[call-overload] # a word
        for word, validation in known.items()
    )
