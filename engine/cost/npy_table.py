"""HAQ's lookup tables: an array of layers x weight bits x activation bits, widths 1 to 8.

The header is read before anything is allocated, and nothing in the file is run: an array of
objects, which would be a pickle, is refused.
"""

import io
from typing import Final

import numpy as np
from numpy.lib import format as npy

from engine.cost.imported_rows import ImportedRows, checked_ms
from engine.cost.model import FloatArray
from engine.schema.cost_table import GRID_CELLS, GridRow
from engine.schema.errors import InvalidTable
from engine.schema.layers import LayerSpec, ModelSpec
from engine.schema.policy import MAX_BITS

_LARGEST_HEADER: Final = 4096


def npy_rows(data: bytes, network: ModelSpec, *, ms_per_unit: float) -> ImportedRows:
    """Return an array as one grid for each layer of a network.

    Raises:
        InvalidTable: it is no such array, or not of this network, or a time cannot be.
    """
    cells_LWA = _read(data, layers=len(network.layers), model=network.model)
    grids = tuple(
        _grid(index, layer, cells_LWA[index] * ms_per_unit)
        for index, layer in enumerate(network.layers)
    )
    return ImportedRows(grids=grids)


def _grid(index: int, layer: LayerSpec, cells_WA: FloatArray) -> GridRow:
    for (w, a), value in np.ndenumerate(cells_WA):
        place = f"layer {index} ({layer.name}), weight bits {w + 1}, activation bits {a + 1}"
        checked_ms(float(value), row=place)
    return GridRow(
        layer=layer.name,
        kind=layer.kind,
        kernel_size=layer.kernel_size,
        stride=layer.stride,
        groups=layer.groups,
        dilation=layer.dilation,
        input_size=layer.input_size,
        in_channels=layer.in_channels,
        output_size=layer.output_size,
        out_channels=layer.out_channels,
        latencies_ms=tuple(float(value) for value in cells_WA.ravel()),
    )


def _read(data: bytes, *, layers: int, model: str) -> FloatArray:
    file = io.BytesIO(data)
    try:
        version = npy.read_magic(file)
        reader = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, is_fortran, dtype = reader(file, max_header_size=_LARGEST_HEADER)
    except (ValueError, OSError, EOFError, SyntaxError, TypeError) as error:
        raise InvalidTable(f"is no .npy array: {error}".splitlines()[0]) from error
    if dtype.hasobject or dtype.kind not in "iuf":
        raise InvalidTable(f"holds {dtype}, not numbers; save it as floats or integers")
    if len(shape) != 3 or shape[1:] != (MAX_BITS, MAX_BITS):
        raise InvalidTable(
            f"has shape {'x'.join(map(str, shape)) or '()'}; HAQ's tables are layers x 8 x 8"
        )
    if shape[0] != layers:
        raise InvalidTable(
            f"has rows for {shape[0]} layers, {model} has {layers}: it is another network's table"
        )
    body = data[file.tell() :]
    if len(body) != layers * GRID_CELLS * dtype.itemsize:
        raise InvalidTable(
            f"is cut short or too long: {len(body)} bytes of numbers where "
            f"{layers * GRID_CELLS * dtype.itemsize} are announced"
        )
    cells = np.frombuffer(body, dtype=dtype).reshape(shape, order="F" if is_fortran else "C")
    return cells.astype(np.float64)
