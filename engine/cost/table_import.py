"""Tables that others measured, as cost tables: nothing is taken in unless all of it can be.

Read are HAQ's arrays (`.npy`, layers x 8 x 8), the tables of ProxylessNAS and Once-for-all
(`.yaml`), tables with named columns (`.csv`), and this project's own documents (`.json`).
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Final, Literal, get_args

from engine.cost.csv_table import csv_rows
from engine.cost.imported_rows import ImportedRows, TimeUnit, check_rows
from engine.cost.npy_table import npy_rows
from engine.cost.yaml_table import yaml_rows
from engine.schema.codec import from_json
from engine.schema.cost_table import MOST_ROWS, BlockRow, CostTable, GridRow, LayerRow
from engine.schema.errors import InvalidConfig, InvalidTable
from engine.schema.layers import ModelSpec

TableFormat = Literal["npy", "yaml", "csv", "json"]

MOST_BYTES: Final = 4 * 2**20
_MOST_BESIDE: Final = 50_000  # values of a document beside its rows
_MOST_A_ROW: Final = 200  # a grid has 64 times and its shape
_ROWS: Mapping[str, type] = {"blocks": BlockRow, "layers": LayerRow, "grids": GridRow}
_PACKED = {b"PK": "zip", b"\x1f\x8b": "gzip", b"BZ": "bzip2", b"\xfd7": "xz", b"\x28\xb5": "zstd"}


@dataclass(frozen=True, slots=True, kw_only=True)
class TableFacts:
    """What a file of times does not say of itself."""

    name: str
    title: str = ""
    source: str = ""
    batch: int = 1
    unit: TimeUnit = "ms"
    clock_hz: float | None = None  # of the device, where the unit is cycles
    network: ModelSpec | None = None  # whose layers the rows of an array are


def format_of(file_name: str) -> TableFormat:
    """Return what a file's ending says it holds.

    Raises:
        InvalidTable: it is no ending that can be read.
    """
    ending = PurePath(file_name).suffix.lower().lstrip(".")
    ending = "yaml" if ending == "yml" else ending
    for known in get_args(TableFormat):
        if ending == known:
            return known  # type: ignore[no-any-return]  # get_args forgets the literal
    raise InvalidTable(
        f"{file_name!r} is none of .npy (HAQ), .yaml (ProxylessNAS), .csv or .json; "
        "give one of these, not compressed"
    )


def parse_table(data: bytes, *, file_format: TableFormat, facts: TableFacts) -> CostTable:
    """Return a file as a cost table.

    A document of this project keeps its own name and facts; `facts` speak for all other files.

    Raises:
        InvalidTable: with the row and the reason.
        InvalidConfig: a fact that cannot stand, with its field.
    """
    _check_size(data)
    if file_format == "json":
        return _document(data)
    rows = _READERS[file_format](data, facts)
    return CostTable(
        name=facts.name,
        title=facts.title or facts.name,
        source=facts.source or f"An imported {file_format} table",
        provenance="table",
        batch=facts.batch,
        subject=facts.network.model if facts.network else "",
        blocks=rows.blocks,
        layers=rows.layers,
        grids=rows.grids,
        notes=rows.notes,
    )


def _read_array(data: bytes, facts: TableFacts) -> ImportedRows:
    if facts.network is None:
        raise InvalidConfig("network", "an array has no names: choose the model whose layers it is")
    return npy_rows(data, facts.network, ms_per_unit=_ms_per_unit(facts))


def _read_yaml(data: bytes, facts: TableFacts) -> ImportedRows:
    return yaml_rows(_text(data), ms_per_unit=_ms_per_unit(facts))


def _read_csv(data: bytes, facts: TableFacts) -> ImportedRows:
    return csv_rows(_text(data), ms_per_unit=_ms_per_unit(facts))


_READERS: Mapping[str, Callable[[bytes, TableFacts], ImportedRows]] = {
    "npy": _read_array,
    "yaml": _read_yaml,
    "csv": _read_csv,
}


def _document(data: bytes) -> CostTable:
    try:
        value = json.loads(_text(data), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise InvalidTable(f"is not JSON: {error}") from error
    _check_counts(value)
    for place, kind, row in _rows_of(value):
        _check_row(place, kind, row)
    table = from_json(CostTable, value)
    check_rows(table)
    return table


def _check_counts(document: object) -> None:
    """Check that there is not too much to look at: whatever is wrong is listed by the codec."""
    count = sum(1 for _ in _rows_of(document))
    if count > MOST_ROWS:
        raise InvalidTable(f"has {count:,} rows; a table has at most {MOST_ROWS:,}")
    fields = document if isinstance(document, dict) else {"": document}
    beside = [value for name, value in fields.items() if name not in _ROWS]
    if _holds_more_than(_MOST_BESIDE, beside):
        raise InvalidTable(f"has more than {_MOST_BESIDE:,} values beside its rows; leave some out")


def _check_row(place: str, kind: type, row: object) -> None:
    """Check a row by itself, so that the first that cannot stand is named and ends the reading."""
    if _holds_more_than(_MOST_A_ROW, row):
        raise InvalidTable(f"has more than {_MOST_A_ROW} values", row=place)
    try:
        from_json(kind, row)
    except InvalidConfig as error:
        raise InvalidTable(str(error), row=place) from error


def _rows_of(document: object) -> Iterator[tuple[str, type, object]]:
    """Yield each row of a document with its place and what it must be."""
    fields = document if isinstance(document, dict) else {}
    for name, kind in _ROWS.items():
        rows = fields.get(name)
        for index, row in enumerate(rows if isinstance(rows, list) else []):
            yield f"{name}[{index}]", kind, row


def _holds_more_than(most: int, value: object) -> bool:
    """Tell whether there are more values in a value, at any depth, than it may have."""
    waiting, seen = [value], 0
    while waiting:
        one = waiting.pop()
        inner = one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
        seen += len(inner)
        if seen > most:
            return True
        waiting.extend(inner)
    return False


def _no_constant(word: str) -> float:
    raise InvalidTable(f"holds {word}; a time must be a number")


def _check_size(data: bytes) -> None:
    if len(data) > MOST_BYTES:
        raise InvalidTable(
            f"has {len(data):,} bytes; a table has at most {MOST_BYTES:,}. Leave out rows that "
            "no network needs"
        )
    if not data:
        raise InvalidTable("is empty")
    for magic, name in _PACKED.items():
        if data.startswith(magic):
            raise InvalidTable(f"is compressed ({name}); unpack it and give the file inside")


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidTable(f"is not text in UTF-8 (byte {error.start})") from error


def _ms_per_unit(facts: TableFacts) -> float:
    if facts.unit == "cycles":
        if facts.clock_hz is None or not 0 < facts.clock_hz < 1e12:
            raise InvalidConfig("clock_hz", "cycles need the device's clock, in Hz")
        return 1e3 / facts.clock_hz
    return {"s": 1e3, "ms": 1.0, "us": 1e-3, "ns": 1e-6}[facts.unit]
