"""The target devices one may choose: one entry each, by id; tables by the hash in theirs."""

from pathlib import Path

from engine.catalog.accelerators import ACCELERATORS
from engine.catalog.data_sheets import DATA_SHEETS
from engine.catalog.hosts import HOSTS, host_device
from engine.catalog.phones import PHONES
from engine.catalog.tables import is_table_id, newest_table, stored_table, table_target
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


def target_entry(target_id: str, *, tables: Path | None = None) -> Target:
    """Return a target of the catalogue, or of a folder of cost tables.

    A host stands for what a profile of it measured last.

    Raises:
        InvalidConfig: there is none of that id, or the host was not profiled.
    """
    if is_table_id(target_id):
        return table_target(stored_table(target_id, tables))
    if target_id in HOSTS:
        return _profiled_host(target_id, tables)
    entry = TARGETS.get(target_id)
    if entry is None:
        raise InvalidConfig(
            "target",
            f"{target_id!r} is not known; choose one of {', '.join([*TARGETS, *HOSTS])}",
        )
    return entry


def _profiled_host(target_id: str, tables: Path | None) -> Target:
    device = host_device(target_id)
    table = newest_table(tables, device)
    if table is None:
        raise InvalidConfig(
            "target",
            f"{target_id} has not been profiled yet; start a profile of your space or model, or "
            f"run `python -m engine profile --space S --device {device} --out table.json`, and "
            "choose its table",
        )
    return table_target(table)
