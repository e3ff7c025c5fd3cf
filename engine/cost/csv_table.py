"""Tables with named columns: one row for a block or layer at one precision, or at one pair of bits.

| column | what it is |
|---|---|
| kind | mbconv (a whole inverted bottleneck), conv, pointwise, depthwise, grouped or linear |
| in_channels, out_channels | required, as kind is |
| kernel_size, stride, groups, dilation, input_size, output_size, expansion | 1 if left out |
| latency | the median, in the unit that is chosen; required |
| p10, p90, samples | how it scatters, over how many |
| precision | fp32, fp16, bf16 or int8; fp32 where it is left out |
| layer, weight_bits, activation_bits | instead of a precision: all 64 pairs of a named layer |
"""

import csv
import io
from typing import Final, get_args

from engine.cost.block_rows import BlockKey
from engine.cost.imported_rows import ImportedRows, RowCollector, Shape, check_shape, checked_ms
from engine.cost.lookup_table import LayerShape
from engine.schema.cost_table import MOST_ROWS, GridRow, KernelPrecision, Timing
from engine.schema.errors import InvalidTable
from engine.schema.layers import LayerKind
from engine.schema.policy import MAX_BITS

_BLOCK: Final = "mbconv"
_REQUIRED = ("kind", "in_channels", "out_channels", "latency")
_SIZES = ("kernel_size", "stride", "groups", "dilation", "input_size", "output_size", "expansion")
_TIMES = ("p10", "p90", "samples")
_GRID = ("layer", "weight_bits", "activation_bits")
_COLUMNS = (*_REQUIRED, *_SIZES, *_TIMES, "precision", *_GRID)
_LONGEST_FIELD: Final = 200
_MOST_LINES: Final = MOST_ROWS * MAX_BITS

_Record = dict[str, str]
_Grid = dict[tuple[int, int], float]


def csv_rows(text: str, *, ms_per_unit: float) -> ImportedRows:
    """Return the rows of a table.

    Raises:
        InvalidTable: with the line of the first row that cannot stand.
    """
    records = _records(text)
    if records and records[0][1].get("weight_bits"):
        return _grids(records, ms_per_unit)
    collector = RowCollector()
    for row, record in records:
        precision = _precision(record, row)
        collector.add(_shape(record, row), precision, _timing(record, row, ms_per_unit), row=row)
    blocks, layers = collector.rows()
    return ImportedRows(blocks=blocks, layers=layers)


def _records(text: str) -> list[tuple[str, _Record]]:
    if any(len(line) > _LONGEST_FIELD * len(_COLUMNS) for line in text.splitlines()):
        raise InvalidTable("has a line that is too long to be a row of it")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        _check_header(header)
        records: list[tuple[str, _Record]] = []
        for fields in reader:
            if not any(field.strip() for field in fields):
                continue
            row = f"line {reader.line_num}"
            if len(records) >= _MOST_LINES:
                raise InvalidTable(f"a table has at most {_MOST_LINES:,} lines", row=row)
            if len(fields) != len(header):
                raise InvalidTable(
                    f"has {len(fields)} fields where the header has {len(header)}", row=row
                )
            values = (field.strip() for field in fields)
            records.append((row, dict(zip(header, values, strict=True))))
    except csv.Error as error:
        raise InvalidTable(f"is no CSV: {error}", row=f"line {reader.line_num}") from error
    if not records:
        raise InvalidTable("has no rows")
    return records


def _check_header(header: list[str]) -> None:
    missing = [name for name in _REQUIRED if name not in header]
    unknown = [name for name in header if name not in _COLUMNS]
    if missing:
        is_cut_elsewhere = len(header) == 1 and any(mark in header[0] for mark in ";\t")
        remedy = "; separate the columns by commas" if is_cut_elsewhere else ""
        raise InvalidTable(f"has no column {missing[0]!r}{remedy}", row="line 1")
    if unknown:
        raise InvalidTable(
            f"{unknown[0]!r} is not a column of it; these are: {', '.join(_COLUMNS)}", row="line 1"
        )
    if len(set(header)) != len(header):
        twice = next(name for name in header if header.count(name) > 1)
        raise InvalidTable(f"column {twice!r} stands twice", row="line 1")


def _shape(record: _Record, row: str) -> Shape:
    size = {name: _whole(record, name, row) for name in (*_SIZES, "in_channels", "out_channels")}
    if record["kind"] == _BLOCK:
        del size["groups"], size["dilation"]
        return BlockKey(**size)
    del size["expansion"]
    kind = _kind(record, row)
    size["groups"] = size["groups"] if kind == "grouped" else 1
    return LayerShape(kind=kind, **size)


def _kind(record: _Record, row: str) -> LayerKind:
    for known in get_args(LayerKind):
        if record["kind"] == known:
            return known  # type: ignore[no-any-return]  # get_args forgets the literal
    kinds = ", ".join([_BLOCK, *get_args(LayerKind)])
    raise InvalidTable(f"kind must be one of {kinds}; got {record['kind']!r}", row=row)


def _precision(record: _Record, row: str) -> KernelPrecision:
    if record.get("weight_bits") or record.get("activation_bits"):
        raise InvalidTable("has bits where the rows before have none; give all rows bits", row=row)
    word = record.get("precision") or "fp32"
    for known in get_args(KernelPrecision):
        if word == known:
            return known  # type: ignore[no-any-return]  # as above
    raise InvalidTable(
        f"precision must be one of {', '.join(get_args(KernelPrecision))}; got {word!r}", row=row
    )


def _timing(record: _Record, row: str, ms_per_unit: float) -> Timing:
    median = checked_ms(_number(record, "latency", row), row=row)
    p10, p90 = (
        checked_ms(_number(record, name, row), row=row) * ms_per_unit if record.get(name) else None
        for name in ("p10", "p90")
    )
    samples = _whole(record, "samples", row) if record.get("samples") else 0
    return Timing(median_ms=median * ms_per_unit, p10_ms=p10, p90_ms=p90, samples=samples)


def _grids(records: list[tuple[str, _Record]], ms_per_unit: float) -> ImportedRows:
    shapes: dict[str, tuple[LayerShape, str]] = {}
    cells: dict[str, _Grid] = {}
    for row, record in records:
        name, shape = record.get("layer", ""), _shape(record, row)
        if not name or not isinstance(shape, LayerShape):
            raise InvalidTable("rows with bits are of one named layer each", row=row)
        check_shape(shape, row=row)
        if shapes.setdefault(name, (shape, row))[0] != shape:
            raise InvalidTable(f"{name} has another shape in {shapes[name][1]}", row=row)
        pair = _bits(record, "weight_bits", row), _bits(record, "activation_bits", row)
        grid = cells.setdefault(name, {})
        if pair in grid:
            raise InvalidTable(f"{name} at {pair[0]}/{pair[1]} bits stands twice", row=row)
        grid[pair] = checked_ms(_number(record, "latency", row), row=row) * ms_per_unit
    return ImportedRows(
        grids=tuple(_grid(name, *shapes[name], grid) for name, grid in cells.items())
    )


def _grid(name: str, shape: LayerShape, row: str, cells: _Grid) -> GridRow:
    widths = range(1, MAX_BITS + 1)
    pairs = [(w, a) for w in widths for a in widths]
    for w, a in pairs:
        if (w, a) not in cells:
            raise InvalidTable(f"{name} has no row for {w}/{a} bits", row=row)
    return GridRow(layer=name, **shape._asdict(), latencies_ms=tuple(cells[pair] for pair in pairs))


def _bits(record: _Record, name: str, row: str) -> int:
    bits = _whole(record, name, row)
    if not 1 <= bits <= MAX_BITS:
        raise InvalidTable(f"{name} must lie in 1 .. {MAX_BITS}, got {bits}", row=row)
    return bits


def _whole(record: _Record, name: str, row: str) -> int:
    word = record.get(name) or "1"
    if not (word.isdecimal() and len(word) < 10):
        raise InvalidTable(f"{name} must be a whole number, got {word!r}", row=row)
    return int(word)


def _number(record: _Record, name: str, row: str) -> float:
    try:
        return float(record[name])
    except ValueError as error:
        if not record[name]:
            raise InvalidTable(f"has no {name}", row=row) from error
        raise InvalidTable(f"{name} must be a number, got {record[name]!r}", row=row) from error
