"""The target devices one may choose: one entry each, by id."""

from engine.catalog.accelerators import ACCELERATORS
from engine.catalog.data_sheets import DATA_SHEETS
from engine.catalog.phones import PHONES
from engine.schema.cost import COUNTED_METRICS
from engine.schema.errors import InvalidConfig
from engine.schema.target import ALL_BITS, Target

_COUNTED = Target(
    id="counted",
    title="No device: size and operations",
    description="Counts bytes and operations alone; use it when the device is open.",
    metrics=COUNTED_METRICS,
    weight_bits=ALL_BITS,
    activation_bits=ALL_BITS,
    batch=1,
    provenance="counted",
    validation="Exact by definition: weights at their bits, all other parameters at 32.",
    source="Counting",
    formula="counted",
)

TARGETS: dict[str, Target] = {
    entry.id: entry for entry in (*ACCELERATORS, *PHONES, *DATA_SHEETS, _COUNTED)
}


def target_entry(target_id: str) -> Target:
    """Return a target of the catalogue.

    Raises:
        InvalidConfig: there is none of that id.
    """
    entry = TARGETS.get(target_id)
    if entry is None:
        raise InvalidConfig(
            "target", f"{target_id!r} is not known; choose one of {', '.join(TARGETS)}"
        )
    return entry
