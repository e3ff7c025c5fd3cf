"""What a safetensors file says of itself before any tensor is read.

The format: eight bytes with the header's length, little-endian; a JSON object that maps each
tensor's name to its dtype, shape and place; then the tensors' bytes without gaps.
"""

import json
import math
from dataclasses import dataclass
from io import BytesIO
from typing import Any, BinaryIO

from engine.schema.errors import InvalidConfig
from engine.schema.layers import LayerSpec, ModelSpec

_LENGTH_BYTES = 8
_LONGEST_HEADER = 4 * 2**20  # bytes; a thousand tensors take a tenth of it
_MOST_TENSORS = 20_000
_MOST_DIMENSIONS = 8
_LARGEST_COUNT = 2**40
_METADATA = "__metadata__"
_ITEM_BYTES = {
    "F64": 8,
    "F32": 4,
    "F16": 2,
    "BF16": 2,
    "I64": 8,
    "I32": 4,
    "I16": 2,
    "I8": 1,
    "U8": 1,
    "BOOL": 1,
}
WEIGHT_DTYPES = frozenset({"F64", "F32", "F16", "BF16"})
_FOREIGN = {
    b"PK\x03\x04": "a PyTorch archive with a pickle inside",
    b"\x80": "a pickle",
    b"\x89HDF": "an HDF5 file",
    b"\x93NUM": "a numpy file",
    b"\x1f\x8b": "a gzip archive",
    b"GGUF": "a GGUF file",
}
_REMEDY = (
    "convert it with safetensors.torch.save_file(model.state_dict(), 'weights.safetensors') on a "
    "machine that trusts it"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorEntry:
    """One tensor as the header lists it."""

    dtype: str
    shape: tuple[int, ...]
    begin: int  # bytes after the header
    end: int


def check_header(file: BinaryIO | bytes, spec: ModelSpec) -> None:
    """Look whether a file can be the float weights of a network, without reading its tensors.

    Raises:
        InvalidConfig: naming the first tensor that does not fit, or what the file is instead.
    """
    check_layers(read_header(file), spec)


def read_header(file: BinaryIO | bytes) -> dict[str, TensorEntry]:
    """Return what a safetensors file holds; the file is left where it was.

    Raises:
        InvalidConfig: it is no safetensors file, or a damaged one.
    """
    stream = BytesIO(file) if isinstance(file, bytes) else file
    start = stream.tell()
    size = stream.seek(0, 2) - start
    stream.seek(start)
    try:
        header, data_bytes = _read_json(stream, size)
    finally:
        stream.seek(start)
    entries = {name: _entry(name, value) for name, value in header.items() if name != _METADATA}
    _check_places(entries, data_bytes)
    return entries


def check_layers(entries: dict[str, TensorEntry], spec: ModelSpec) -> None:
    """Compare the weights of convolutions and linear layers with those of a network.

    Raises:
        InvalidConfig: naming the first that is absent, of another shape, or no float.
    """
    for layer in spec.layers:
        name = f"{layer.name}.weight"
        if name not in entries:
            raise _misfit(f"has no tensor {name!r}, which {spec.model} needs", spec)
        expected = _weight_shape(layer)
        if entries[name].shape != expected:
            raise _misfit(
                f"tensor {name!r} has shape {list(entries[name].shape)}, {spec.model} needs "
                f"{list(expected)}",
                spec,
            )
        if entries[name].dtype not in WEIGHT_DTYPES:
            raise _misfit(f"tensor {name!r} is {entries[name].dtype}, not float weights", spec)


def _read_json(stream: BinaryIO, size: int) -> tuple[dict[str, Any], int]:
    prefix = stream.read(_LENGTH_BYTES)
    if len(prefix) < _LENGTH_BYTES:
        raise InvalidConfig("checkpoint", f"is no safetensors file: it has only {size} bytes")
    length = int.from_bytes(prefix, "little")
    if not 2 <= length <= min(_LONGEST_HEADER, size - _LENGTH_BYTES):
        # Only now: an honest header may have the length that reads like another format's mark.
        _refuse_other_formats(prefix)
        raise InvalidConfig(
            "checkpoint",
            f"is no safetensors file, or is cut short: a header of {length} bytes is announced "
            f"and the file has {size}",
        )
    try:
        header = json.loads(stream.read(length).decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise InvalidConfig(
            "checkpoint", "is no safetensors file: its header is no JSON"
        ) from error
    if not isinstance(header, dict) or len(header) > _MOST_TENSORS:
        raise InvalidConfig("checkpoint", "has a header that does not list tensors by name")
    return header, size - _LENGTH_BYTES - length


def _refuse_other_formats(prefix: bytes) -> None:
    for mark, what in _FOREIGN.items():
        if prefix.startswith(mark):
            raise InvalidConfig("checkpoint", f"is {what}, not safetensors; {_REMEDY}")


def _entry(name: str, value: object) -> TensorEntry:
    if not isinstance(value, dict):
        raise _damaged(name, "is not described")
    dtype = value.get("dtype")
    if not isinstance(dtype, str) or dtype not in _ITEM_BYTES:
        raise _damaged(name, f"has the dtype {dtype!r}, which is not known here")
    shape = _counts(name, value.get("shape"))
    place = _counts(name, value.get("data_offsets"))
    if len(place) != 2:
        raise _damaged(name, "has no begin and end")
    begin, end = place
    if end - begin != math.prod(shape) * _ITEM_BYTES[dtype]:
        raise _damaged(name, f"takes {end - begin} bytes, which does not match its shape")
    return TensorEntry(dtype=dtype, shape=shape, begin=begin, end=end)


def _counts(name: str, value: object) -> tuple[int, ...]:
    # Bounded before anything is multiplied: the header may come from a stranger.
    if not isinstance(value, list) or len(value) > _MOST_DIMENSIONS:
        raise _damaged(name, "has no shape or no place")
    for each in value:
        if type(each) is not int or not 0 <= each <= _LARGEST_COUNT:
            raise _damaged(name, f"has {str(each)[:20]!r} where a count belongs")
    return tuple(value)


def _check_places(entries: dict[str, TensorEntry], data_bytes: int) -> None:
    reached = 0
    for name, entry in sorted(entries.items(), key=lambda item: (item[1].begin, item[1].end)):
        if entry.begin != reached:
            raise _damaged(name, "overlaps another one, or leaves a gap before it")
        reached = entry.end
    if reached != data_bytes:
        raise InvalidConfig(
            "checkpoint",
            f"is cut short or has something appended: its tensors take {reached} bytes and "
            f"{data_bytes} follow the header",
        )


def _weight_shape(layer: LayerSpec) -> tuple[int, ...]:
    if layer.kind == "linear":
        return (layer.out_channels, layer.in_channels)
    return (
        layer.out_channels,
        layer.in_channels // layer.groups,
        layer.kernel_size,
        layer.kernel_size,
    )


def _damaged(name: str, what: str) -> InvalidConfig:
    return InvalidConfig("checkpoint", f"is damaged: tensor {name!r} {what}")


def _misfit(what: str, spec: ModelSpec) -> InvalidConfig:
    return InvalidConfig(
        "checkpoint",
        f"{what} on images with {spec.input.channels} channels and {spec.classes} classes; choose "
        "the model and data set it was trained for",
    )
