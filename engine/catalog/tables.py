"""Imported and profiled tables as targets, known by the hash of their document."""

import json
from pathlib import Path

from engine.schema.codec import digest, from_json, to_json
from engine.schema.cost import COUNTED_METRICS
from engine.schema.cost_table import (
    FLOAT_BITS,
    HASH_DIGITS,
    ID_PREFIX,
    CostTable,
    EndToEnd,
    KernelPrecision,
)
from engine.schema.errors import InvalidConfig
from engine.schema.policy import MAX_BITS
from engine.schema.target import ALL_BITS, Target

_DIRECT = (MAX_BITS,)


def table_id(table: CostTable) -> str:
    """Return a table's target id: `table:<name>@<first digits of its hash>`."""
    return f"{ID_PREFIX}{table.name}@{digest(table)[:HASH_DIGITS]}"


def is_table_id(target_id: str) -> bool:
    """Tell whether an id is that of a table."""
    return target_id.startswith(ID_PREFIX)


def table_target(table: CostTable) -> Target:
    """Return a table as a target that a cost model can be made of."""
    floating, integer = float_precision(table), integer_precision(table)
    corrections = table.end_to_end or {}
    at_bits = corrections.get(integer) if integer else None
    in_float = corrections.get(floating) if floating else None
    return Target(
        id=table_id(table),
        title=table.title,
        description=_description(table),
        metrics=("latency_ms", *COUNTED_METRICS),
        weight_bits=ALL_BITS if table.grids else _DIRECT,
        activation_bits=ALL_BITS if table.grids else _DIRECT,
        batch=table.batch,
        float_bits=FLOAT_BITS[floating] if floating else None,
        provenance=table.provenance,
        validation=_validation(table),
        source=table.source,
        formula="table",
        end_to_end=at_bits.alpha if at_bits else 1.0,
        overhead_ms=at_bits.beta_ms if at_bits else 0.0,
        float_end_to_end=in_float.alpha if in_float else 1.0,
        float_overhead_ms=in_float.beta_ms if in_float else 0.0,
        cost_table=table,
    )


def float_precision(table: CostTable) -> KernelPrecision | None:
    """Return what a float network runs in on this table: the narrowest float it has."""
    floats = [one for one in table.precisions if one in FLOAT_BITS]
    return floats[-1] if floats else None


def integer_precision(table: CostTable) -> KernelPrecision | None:
    """Return what a network with bits runs in: 8-bit kernels, else those of float."""
    return "int8" if "int8" in table.precisions else float_precision(table)


def store_table(table: CostTable, folder: Path) -> Path:
    """Write a table where `stored_table` finds it, and return its file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{digest(table)}.json"
    aside = path.with_suffix(".partial")
    aside.write_text(json.dumps(to_json(table), indent=1) + "\n", encoding="utf-8")
    aside.replace(path)
    return path


def stored_table(target_id: str, folder: Path | None) -> CostTable:
    """Return the table of an id from a folder of `<hash>.json` files.

    Raises:
        InvalidConfig: there is none, or its file is not what its name says.
    """
    _, _, digits = target_id.partition("@")
    paths = []
    if folder is not None and len(digits) == HASH_DIGITS and digits.isalnum():
        paths = sorted(folder.glob(f"{digits}*.json"))
    for path in paths:
        table = read_table(path)
        if table_id(table) == target_id:
            return table
    raise InvalidConfig(
        "target",
        f"{target_id!r} is not among the tables here; import it again, or give the file "
        "that it was exported to",
    )


def read_table(path: Path) -> CostTable:
    """Return the table that a file holds.

    Raises:
        InvalidConfig: the file cannot be read, or a field of it cannot stand.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidConfig("target", f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise InvalidConfig("target", f"{path} is not JSON in UTF-8") from error
    return from_json(CostTable, data)


def stored_tables(folder: Path | None) -> list[CostTable]:
    """Return every table of a folder, by name and time.

    Raises:
        InvalidConfig: a file of it cannot be read.
    """
    if folder is None or not folder.is_dir():
        return []
    tables = [read_table(path) for path in folder.glob("*.json")]
    return sorted(tables, key=lambda table: (table.name, table.measured_at))


def newest_table(folder: Path | None, host: str) -> CostTable | None:
    """Return what a profile of this host's device measured last; None: there is no such table."""
    own = [table for table in stored_tables(folder) if table.host == host]
    return max(own, key=lambda table: table.measured_at, default=None)


def _description(table: CostTable) -> str:
    what = f"{table.rows} rows"
    subject = f" of {table.subject}" if table.subject else ""
    where = f", measured on {table.machine.title}" if table.machine else ""
    return f"A table of {what}{subject}{where}. What it has no row for has no price."


def _validation(table: CostTable) -> str:
    parts = []
    if table.runtime:
        parts.append(f"Timed with {table.runtime}.")
    for precision, check in (table.end_to_end or {}).items():
        parts.append(_end_to_end(precision, check))
    if not table.end_to_end:
        parts.append("Totals are sums of rows; no whole network was compared with them.")
    integer = integer_precision(table)
    if integer == "int8":
        parts.append("There are no kernels below 8 bits: every width runs as int8.")
    elif integer is not None and not table.grids:
        parts.append(f"It has no 8-bit times: every width runs as {integer}.")
    return " ".join(parts)


def _end_to_end(precision: KernelPrecision, check: EndToEnd) -> str:
    drawn = "networks" if check.networks[0].choices else "stretches of the network"
    return (
        f"{len(check.networks)} {drawn} run end to end in {precision}: {check.alpha:.3f} x sum of "
        f"rows + {check.beta_ms:.3f} ms tells them with a mean error of {check.mean_error:.1%}, "
        f"Kendall's tau {check.kendall_tau:.2f}."
    ).replace("%,", " %,")
