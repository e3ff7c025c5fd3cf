"""What may pass for a checkpoint by its header alone."""

import contextlib
import io
import json
import pickle
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.catalog.checkpoint_header import check_header, read_header
from engine.schema.errors import InvalidConfig
from engine.schema.layers import InputSpec, LayerSpec, ModelSpec

CONV = LayerSpec(
    name="features.0",
    kind="depthwise",
    in_channels=4,
    out_channels=8,
    kernel_size=3,
    groups=4,
    weights=72,
    macs=72,
)
LINEAR = LayerSpec(name="head", kind="linear", in_channels=8, out_channels=3, weights=24, macs=24)
SPEC = ModelSpec(
    model="tiny",
    input=InputSpec(channels=4, size=3),
    classes=3,
    parameters=99,
    macs=96,
    model_hash="",
    layers=(CONV, LINEAR),
)
TENSORS: dict[str, tuple[str, list[int]]] = {
    "features.0.weight": ("F32", [8, 1, 3, 3]),
    "head.bias": ("F32", [3]),
    "head.weight": ("BF16", [3, 8]),
    "steps": ("I64", []),
}
# On a busy machine a slow draw says nothing about the code.
_UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
ITEM_BYTES = {"F32": 4, "BF16": 2, "I64": 8, "I8": 1}


def header_of(tensors: dict[str, tuple[str, list[int]]]) -> dict[str, Any]:
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    place = 0
    for name, (dtype, shape) in tensors.items():
        size = ITEM_BYTES[dtype]
        for side in shape:
            size *= side
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [place, place + size]}
        place += size
    return header


def file_of(header: object, *, data_bytes: int | None = None) -> bytes:
    text = json.dumps(header).encode()
    if data_bytes is None:
        assert isinstance(header, dict)
        data_bytes = max(
            (entry["data_offsets"][1] for name, entry in header.items() if "data" in str(entry)),
            default=0,
        )
    return len(text).to_bytes(8, "little") + text + bytes(data_bytes)


def test_a_fitting_file_passes_and_is_left_where_it_was() -> None:
    stream = io.BytesIO(b"before" + file_of(header_of(TENSORS)))
    stream.seek(6)

    check_header(stream, SPEC)

    assert stream.tell() == 6


def test_the_tensors_are_told_with_dtype_and_shape() -> None:
    entries = read_header(file_of(header_of(TENSORS)))

    assert {name: (entry.dtype, list(entry.shape)) for name, entry in entries.items()} == TENSORS


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({"head.weight": ("F32", [3, 8])}, r"has no tensor 'features.0.weight', which tiny needs"),
        (TENSORS | {"head.weight": ("F32", [10, 8])}, r"'head.weight' has shape \[10, 8\], tiny"),
        (TENSORS | {"head.weight": ("I8", [3, 8])}, r"'head.weight' is I8, not float weights"),
    ],
    ids=["absent", "of other classes", "integers"],
)
def test_a_layer_that_does_not_fit_is_named(
    tensors: dict[str, tuple[str, list[int]]], message: str
) -> None:
    with pytest.raises(InvalidConfig, match=rf"checkpoint: .*{message}.* 3 classes; choose"):
        check_header(file_of(header_of(tensors)), SPEC)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it has only 0 bytes"),
        (b"short", "it has only 5 bytes"),
        (pickle.dumps({"weight": 1.0}, protocol=4) + bytes(100), "is a pickle, not safetensors"),
        (b"PK\x03\x04\x14\x00\x00\x00" + bytes(100), "PyTorch archive with a pickle inside"),
        (b"\x89HDF\r\n\x1a\n" + bytes(100), "an HDF5 file"),
        ((2**63 - 1).to_bytes(8, "little") + b"{}", "a header of 9223372036854775807 bytes"),
        ((3).to_bytes(8, "little") + b"{}", "is cut short: a header of 3 bytes"),
        ((4).to_bytes(8, "little") + b"\xff\xfe{}", "its header is no JSON"),
        (file_of([], data_bytes=0), "does not list tensors by name"),
        (file_of({"a": 3}, data_bytes=0), "'a' is not described"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_safetensors_file_is_told_for_what_it_is(content: bytes, message: str) -> None:
    with pytest.raises(InvalidConfig, match=message):
        read_header(content)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"dtype": "F3"}, "has the dtype 'F3'"),
        ({"dtype": None}, "has the dtype None"),
        ({"shape": [-1, 3]}, "has '-1' where a count belongs"),
        ({"shape": [True]}, "has 'True' where a count belongs"),
        ({"shape": [2**80, 0]}, r"has '1208925819614629174\d+' where a count belongs"),
        ({"shape": [1] * 9}, "has no shape or no place"),
        ({"shape": "3"}, "has no shape or no place"),
        ({"data_offsets": [0]}, "has no begin and end"),
        ({"data_offsets": [12, 0]}, "takes -12 bytes"),
        ({"data_offsets": [0, 13]}, "takes 13 bytes, which does not match its shape"),
        ({"data_offsets": [4, 16]}, "overlaps another one, or leaves a gap"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_damaged_entry_is_named(entry: dict[str, Any], message: str) -> None:
    header = {"bias": {"dtype": "F32", "shape": [3], "data_offsets": [0, 12]} | entry}

    with pytest.raises(InvalidConfig, match=rf"tensor 'bias' {message}"):
        read_header(file_of(header, data_bytes=12))


def test_tensors_that_share_bytes_are_refused() -> None:
    one = {"dtype": "F32", "shape": [3], "data_offsets": [0, 12]}

    with pytest.raises(InvalidConfig, match="'two' overlaps another one"):
        read_header(file_of({"one": one, "two": one}, data_bytes=12))


@pytest.mark.parametrize("data_bytes", [11, 13], ids=["cut short", "with something appended"])
def test_the_tensors_must_fill_the_file(data_bytes: int) -> None:
    header = {"bias": {"dtype": "F32", "shape": [3], "data_offsets": [0, 12]}}

    with pytest.raises(InvalidConfig, match=f"take 12 bytes and {data_bytes} follow"):
        read_header(file_of(header, data_bytes=data_bytes))


def test_a_header_nested_without_end_is_refused() -> None:
    text = b'{"a":' + b"[" * 100_000

    with pytest.raises(InvalidConfig, match="its header is no JSON"):
        read_header(len(text).to_bytes(8, "little") + text)


@_UNHURRIED
@given(st.binary(max_size=200))
def test_no_bytes_at_all_do_more_than_be_refused(content: bytes) -> None:
    with pytest.raises(InvalidConfig):
        check_header(content, SPEC)


@_UNHURRIED
@given(
    place=st.integers(0, len(file_of(header_of(TENSORS)))),
    removed=st.integers(0, 12),
    added=st.binary(max_size=12),
)
def test_no_change_of_an_honest_file_does_more_than_be_refused(
    place: int, removed: int, added: bytes
) -> None:
    honest = file_of(header_of(TENSORS))
    changed = honest[:place] + added + honest[place + removed :]

    with contextlib.suppress(InvalidConfig):  # any other exception fails the test
        check_header(changed, SPEC)


_ODD = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4)
_ENTRY = st.fixed_dictionaries(
    {},
    optional={
        "dtype": st.sampled_from(["F32", "BF16", "I8"]) | _ODD,
        "shape": st.lists(st.integers(-1, 9) | _ODD, max_size=4) | _ODD,
        "data_offsets": st.lists(st.integers(-1, 99) | _ODD, max_size=3) | _ODD,
    },
)


@_UNHURRIED
@given(
    header=st.dictionaries(st.sampled_from(list(TENSORS)), _ENTRY | _ODD),
    data_bytes=st.integers(0, 9),
)
def test_no_json_for_a_header_does_more_than_be_refused(
    header: dict[str, Any], data_bytes: int
) -> None:
    with pytest.raises(InvalidConfig):
        check_header(file_of(header, data_bytes=data_bytes), SPEC)
