"""The latency tables of ProxylessNAS and Once-for-all: one mapping of keys to count and mean.

    expanded_conv-input:7x7x192-output:7x7x320-expand:6-kernel:5-stride:1-idskip:0:
      count: 164
      mean: 6.24

Only this form is read, line by line: no tags, anchors or types, so nothing can be run and nothing
multiplies. Once-for-all writes the middle channels for `expand`, ProxylessNAS their ratio.
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from engine.cost.block_rows import BlockKey
from engine.cost.imported_rows import ImportedRows, RowCollector, Shape, checked_ms
from engine.cost.lookup_table import LayerShape
from engine.schema.cost_table import MOST_ROWS, Timing
from engine.schema.errors import InvalidTable

_ENTRY = re.compile(r"(?P<key>[A-Za-z_0-9]+-input:\S+?):\s*(?P<inline>\{.*\})?\s*")
_FIELD = re.compile(r"\s+(?P<name>[a-z_0-9]+)\s*:\s*(?P<value>[-+.\w]+)\s*")
_INLINE = re.compile(r"\s*(?P<name>[a-z_0-9]+)\s*:\s*(?P<value>[-+.\w]+)\s*")
_LARGEST_RATIO: Final = 16  # an `expand` beyond is a number of channels
_TIME, _COUNT = "mean", "count"


class _Entry(NamedTuple):
    line: int
    key: str
    fields: dict[str, float]

    @property
    def row(self) -> str:
        return f"line {self.line} ({self.key})"


def yaml_rows(text: str, *, ms_per_unit: float) -> ImportedRows:
    """Return the rows of a table.

    Raises:
        InvalidTable: with the line of the first row that cannot stand.
    """
    collector, left_out = RowCollector(), []
    for entry in _entries(text):
        if _TIME not in entry.fields:
            raise InvalidTable(f"has no {_TIME}", row=entry.row)
        timing = Timing(
            median_ms=checked_ms(entry.fields[_TIME], row=entry.row) * ms_per_unit,
            samples=_count(entry),
        )
        shape = _shape(entry)
        if shape is None:
            left_out.append(entry)
        else:
            collector.add(shape, "fp32", timing, row=entry.row)
    blocks, layers = collector.rows()
    return ImportedRows(blocks=blocks, layers=layers, notes=_notes(left_out))


def _notes(left_out: list[_Entry]) -> tuple[str, ...]:
    if not left_out:
        return ()
    return (
        f"{len(left_out)} rows are of operations that no network here has (squeeze and excite, "
        f"h-swish, pooling by itself) and were left out; the first is in {left_out[0].row}.",
    )


def _entries(text: str) -> Iterator[_Entry]:
    current: _Entry | None = None
    seen: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#") or line.strip() == "---":
            continue
        entry = _ENTRY.fullmatch(line)
        if entry:
            if current is not None:
                yield current
            current = _new_entry(number, entry["key"], seen)
            for part in (entry["inline"] or "{}").strip("{}").split(","):
                if part.strip():
                    _take(current, _INLINE.fullmatch(part), number)
            continue
        if current is None:
            raise InvalidTable("is not a row of a latency table", row=f"line {number}")
        _take(current, _FIELD.fullmatch(line), number)
    if current is not None:
        yield current


def _new_entry(number: int, key: str, seen: dict[str, int]) -> _Entry:
    if key in seen:
        raise InvalidTable(f"{key} stands in line {seen[key]} already", row=f"line {number}")
    if len(seen) >= MOST_ROWS:
        raise InvalidTable(f"a table has at most {MOST_ROWS:,} rows", row=f"line {number}")
    seen[key] = number
    return _Entry(number, key, {})


def _take(entry: _Entry, found: re.Match[str] | None, number: int) -> None:
    row = f"line {number}"
    if found is None:
        raise InvalidTable("is neither a key with a shape nor a number of one", row=row)
    if found["name"] in entry.fields:
        raise InvalidTable(f"{found['name']} stands twice", row=row)
    try:
        entry.fields[found["name"]] = float(found["value"].removeprefix("."))
    except ValueError as error:
        raise InvalidTable(f"{found['value']!r} is not a number", row=row) from error


def _count(entry: _Entry) -> int:
    count = entry.fields.get(_COUNT, 0.0)
    if not (0 <= count < 1e9 and count == int(count)):
        raise InvalidTable(f"count must be a whole number, got {count:g}", row=entry.row)
    return int(count)


def _shape(entry: _Entry) -> Shape | None:
    """Return the shape that a key spells; None: no network here has such an operation."""
    kind, *parts = entry.key.split("-")
    words = dict(part.partition(":")[::2] for part in parts)
    if kind == "expanded_conv":
        return _block(entry, words)
    if kind in ("Conv", "Conv_1"):
        return _conv(entry, words, kernel_size=3 if kind == "Conv" else 1)
    if kind in ("Logits", "Conv_2"):
        return _linear(entry, words) if kind == "Logits" else None
    return None


def _block(entry: _Entry, words: dict[str, str]) -> BlockKey | None:
    if words.get("se", "0") != "0" or words.get("hs", "0") != "0":
        return None
    input_size, in_channels = _map(entry, words, "input")
    output_size, out_channels = _map(entry, words, "output")
    expand = _whole(entry, words, "expand")
    if expand > _LARGEST_RATIO or "se" in words:
        expand, rest = divmod(expand, in_channels)
        if rest or expand < 1:
            return None
    return BlockKey(
        input_size=input_size,
        in_channels=in_channels,
        output_size=output_size,
        out_channels=out_channels,
        stride=_whole(entry, words, "stride"),
        kernel_size=_whole(entry, words, "kernel"),
        expansion=expand,
    )


def _conv(entry: _Entry, words: dict[str, str], *, kernel_size: int) -> LayerShape:
    input_size, in_channels = _map(entry, words, "input")
    output_size, out_channels = _map(entry, words, "output")
    return LayerShape(
        kind="conv" if kernel_size > 1 else "pointwise",
        kernel_size=kernel_size,
        stride=-(-input_size // output_size),
        groups=1,
        dilation=1,
        input_size=input_size,
        in_channels=in_channels,
        output_size=output_size,
        out_channels=out_channels,
    )


def _linear(entry: _Entry, words: dict[str, str]) -> LayerShape:
    _, in_channels = _map(entry, words, "input")
    return LayerShape(
        kind="linear",
        kernel_size=1,
        stride=1,
        groups=1,
        dilation=1,
        input_size=1,
        in_channels=in_channels,
        output_size=1,
        out_channels=_whole(entry, words, "output"),
    )


def _map(entry: _Entry, words: dict[str, str], name: str) -> tuple[int, int]:
    """Return the side and the channels of a square map, `7x7x192`."""
    sides = words.get(name, "").split("x")
    if len(sides) != 3 or not all(side.isdecimal() and len(side) < 7 for side in sides):
        raise InvalidTable(f"{name} must be height x width x channels", row=entry.row)
    height, width, channels = map(int, sides)
    if height != width:
        raise InvalidTable(f"{name} must be square, got {height}x{width}", row=entry.row)
    if height < 1 or channels < 1:
        raise InvalidTable(f"{name} must not be empty", row=entry.row)
    return height, channels


def _whole(entry: _Entry, words: dict[str, str], name: str) -> int:
    word = words.get(name, "")
    if not (word.isdecimal() and len(word) < 7):
        raise InvalidTable(f"{name} must be a whole number, got {word!r}", row=entry.row)
    return int(word)
