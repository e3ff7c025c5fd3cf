"""Tables from outside: taken in whole, or refused with the row and the reason."""

import io
import json
import time
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.catalog.models import layer_table
from engine.catalog.spaces import SPACES
from engine.catalog.tables import table_target
from engine.cost.pricing import cost_model
from engine.cost.table_coverage import space_coverage
from engine.cost.table_import import MOST_BYTES, TableFacts, format_of, parse_table
from engine.schema.codec import to_json
from engine.schema.errors import InvalidConfig, InvalidTable
from engine.schema.layers import ModelSpec
from tests.unit.engine.cost.measured_tables import table_of_space

FACTS = TableFacts(name="mine")
ENTRY = "expanded_conv-input:7x7x192-output:7x7x320-expand:6-kernel:5-stride:1-idskip:0"
YAML = f"""# Pixel
Conv-input:224x224x3-output:112x112x32:
  count: 982
  mean: 4.08
  var: 0.25
Conv_1-input:7x7x320-output:7x7x1280:
  count: 982
  mean: 3.09
{ENTRY}: {{count: 16, mean: 5.81, var: .2}}
Logits-input:7x7x1280-output:1000:
  mean: 0.31
"""
CSV = """kind,input_size,in_channels,output_size,out_channels,kernel_size,stride,expansion,latency
mbconv,7,192,7,320,5,1,6,5.81
linear,1,1280,1,1000,1,1,1,0.31
"""


@pytest.fixture(scope="module")
def network() -> ModelSpec:
    spec = layer_table("mobilenet_v1_small")
    assert spec is not None
    return spec


def npy(array: np.ndarray, *, allow_pickle: bool = False) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=allow_pickle)
    return file.getvalue()


def test_haqs_array_becomes_a_grid_for_each_layer(network: ModelSpec) -> None:
    cycles = np.arange(1, len(network.layers) * 64 + 1, dtype=np.int64).reshape(-1, 8, 8)
    facts = TableFacts(name="fpga", batch=16, unit="cycles", clock_hz=200e6, network=network)

    table = parse_table(npy(cycles), file_format="npy", facts=facts)

    model = cost_model(table_target(table))
    assert model.target.batch == 16
    assert model.target.weight_bits == tuple(range(1, 9))
    np.testing.assert_allclose(
        model.cost_table(network.layers, "latency_ms"), cycles / 200e6 * 1e3, rtol=1e-12
    )


def test_the_authors_yaml_is_read() -> None:
    table = parse_table(YAML.encode(), file_format="yaml", facts=FACTS)

    assert [row.label for row in table.blocks] == ["block 7x7x192 -> 7x7x320 k5 e6 s1"]
    assert [row.label for row in table.layers] == [
        "conv 224x224x3 -> 112x112x32 k3 s2",
        "pointwise 7x7x320 -> 7x7x1280 k1 s1",
        "linear 1280 -> 1000",
    ]
    assert table.blocks[0].times["fp32"].median_ms == 5.81
    assert table.blocks[0].times["fp32"].samples == 16
    assert table.provenance == "table"


def test_once_for_alls_blocks_give_their_middle_channels() -> None:
    text = (
        "expanded_conv-input:56x56x32-output:56x56x32-expand:96-kernel:3-stride:1-idskip:1-se:0-hs:0:\n"
        "  mean: 1.9\n"
        "expanded_conv-input:14x14x96-output:14x14x96-expand:288-kernel:3-stride:1-idskip:1-se:1-hs:1:\n"
        "  mean: 0.9\n"
    )

    table = parse_table(text.encode(), file_format="yaml", facts=FACTS)

    assert [row.label for row in table.blocks] == ["block 56x56x32 -> 56x56x32 k3 e3 s1"]
    assert "1 rows" in table.notes[0]
    assert "line 3" in table.notes[0]


def test_a_table_with_named_columns_is_read() -> None:
    table = parse_table(CSV.encode(), file_format="csv", facts=TableFacts(name="x", unit="us"))

    assert table.blocks[0].times["fp32"].median_ms == pytest.approx(0.00581)
    assert table.layers[0].label == "linear 1280 -> 1000"


def test_columns_of_bits_make_grids() -> None:
    lines = ["kind,layer,in_channels,out_channels,weight_bits,activation_bits,latency"]
    lines += [f"linear,fc,8,4,{w},{a},{w * a}" for w in range(1, 9) for a in range(1, 9)]

    table = parse_table("\n".join(lines).encode(), file_format="csv", facts=FACTS)

    (grid,) = table.grids
    assert grid.latencies_ms[(3 - 1) * 8 + 5 - 1] == 15


def test_a_document_of_ours_comes_back_as_it_was() -> None:
    table = table_of_space(SPACES["tiny"])

    read = parse_table(json.dumps(to_json(table)).encode(), file_format="json", facts=FACTS)

    assert read == table
    assert space_coverage(read, SPACES["tiny"]).is_whole


def with_cell(value: float) -> np.ndarray:
    cells = np.ones((28, 8, 8))
    cells[2, 3, 4] = value
    return cells


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (npy(with_cell(float("nan"))), r"layer 2 \(.*weight bits 4, activation bits 5: .*NaN"),
        (npy(with_cell(-1)), r"layer 2 .*must be above 0 and finite, got -1"),
        (npy(with_cell(0)), "must be above 0 and finite, got 0"),
        (npy(with_cell(float("inf"))), "finite"),
        (npy(np.ones((53, 8, 8))), "rows for 53 layers, mobilenet_v1_small has 28: it is another"),
        (npy(np.ones((28, 64))), "has shape 28x64; HAQ's tables are layers x 8 x 8"),
        (npy(np.ones((28, 8, 8)))[:-8], "cut short"),
        (npy(np.full((28, 8, 8), None), allow_pickle=True), "holds object, not numbers"),
        (npy(np.full((28, 8, 8), "1")), "not numbers"),
        (b"\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'shape': (28, 8, 8)}", "is no .npy array"),
        (b"hello", "is no .npy array"),
    ],
    ids=range(11),
)
def test_an_array_that_cannot_be_is_refused(data: bytes, message: str, network: ModelSpec) -> None:
    with pytest.raises(InvalidTable, match=message):
        parse_table(data, file_format="npy", facts=TableFacts(name="x", network=network))


def test_an_announced_array_is_not_allocated(network: ModelSpec) -> None:
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (28, 8, 8), }"
    huge = header.replace(b"28", b"10000000000")
    data = b"\x93NUMPY\x01\x00" + len(huge).to_bytes(2, "little") + huge

    with pytest.raises(InvalidTable, match="rows for 10000000000 layers"):
        parse_table(data, file_format="npy", facts=TableFacts(name="x", network=network))


def test_an_array_needs_its_network_and_cycles_a_clock(network: ModelSpec) -> None:
    data = npy(np.ones((28, 8, 8)))

    with pytest.raises(InvalidConfig, match=r"network: .*choose the model"):
        parse_table(data, file_format="npy", facts=FACTS)
    with pytest.raises(InvalidConfig, match="clock_hz"):
        parse_table(
            data, file_format="npy", facts=TableFacts(name="x", network=network, unit="cycles")
        )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"{ENTRY}:\n  mean: 1\n{ENTRY}:\n  mean: 1\n", "line 3: .* stands in line 1 already"),
        (
            f"{ENTRY}:\n  mean: 1\n{ENTRY.replace('idskip:0', 'idskip:1')}:\n  mean: 2\n",
            "same shape",
        ),
        (f"{ENTRY}:\n  mean: -1\n", r"line 1 .*above 0 and finite, got -1"),
        (f"{ENTRY}:\n  mean: .nan\n", "line 1 .*NaN"),
        (f"{ENTRY}:\n  mean: fast\n", "line 2: 'fast' is not a number"),
        (f"{ENTRY}:\n  count: 3\n", "line 1 .*has no mean"),
        (f"{ENTRY}:\n  mean: 1\n  mean: 2\n", "line 3: mean stands twice"),
        (f"{ENTRY}:\n  mean: !!python/object:os.system 1\n", "line 2: is neither"),
        ("a: &a [x]\nb: [*a, *a]\n", "line 1: is not a row"),
        (ENTRY.replace("7x7x320", "7x8x320") + ":\n  mean: 1\n", "output must be square"),
        (ENTRY.replace("stride:1", "stride:4") + ":\n  mean: 1\n", "does not become 7 px"),
        (ENTRY.replace("kernel:5", "kernel:x") + ":\n  mean: 1\n", "kernel must be a whole number"),
        ("# nothing\n", "has no rows"),
    ],
    ids=range(13),
)
def test_yaml_that_cannot_be_is_refused(text: str, message: str) -> None:
    with pytest.raises(InvalidTable, match=message):
        parse_table(text.encode(), file_format="yaml", facts=FACTS)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (CSV + "mbconv,7,192,7,320,5,1,6,5.81\n", "line 4: the same shape at fp32 as in line 2"),
        (CSV.replace("5.81", "-5.81"), "line 2: .*above 0 and finite, got -5.81"),
        (CSV.replace("5.81", "nan"), "line 2: .*NaN"),
        (CSV.replace("5.81", ""), "line 2: has no latency"),
        (CSV.replace("latency", "seconds"), "line 1: has no column 'latency'"),
        (CSV.replace(",", ";"), "line 1: has no column 'kind'; separate the columns by commas"),
        (CSV.replace("expansion", "colour"), "line 1: 'colour' is not a column"),
        (CSV.replace("expansion", "stride"), "line 1: column 'stride' stands twice"),
        (CSV.replace("linear", "pool"), "line 3: kind must be one of mbconv, conv"),
        (CSV.replace("5.81", "5.81,1"), "line 2: has 10 fields where the header has 9"),
        (CSV.replace("mbconv,7,192,7", "mbconv,7,192,9"), "line 2: a map of 7 px does not become"),
        (CSV.replace("mbconv,7,", "mbconv,0,"), "line 2: input_size must lie in 1"),
        (CSV.splitlines()[0], "has no rows"),
        (
            "kind,layer,in_channels,out_channels,weight_bits,activation_bits,latency\n"
            "linear,fc,8,4,1,1,3\n",
            "line 2: fc has no row for 1/2 bits",
        ),
        (
            "kind,in_channels,out_channels,precision,latency\nlinear,8,4,fp32,1\nlinear,8,4,int8,1\n"
            "linear,9,4,fp32,1\n",
            "line 4: has no time at int8",
        ),
    ],
    ids=range(15),
)
def test_columns_that_cannot_be_are_refused(text: str, message: str) -> None:
    with pytest.raises(InvalidTable, match=message):
        parse_table(text.encode(), file_format="csv", facts=FACTS)


def test_a_document_with_a_shape_twice_is_refused() -> None:
    document = to_json(table_of_space(SPACES["tiny"]))
    document["blocks"].append(document["blocks"][0])

    with pytest.raises(InvalidTable, match=r"blocks\[\d+\]: the same shape as in blocks\[0\]"):
        parse_table(json.dumps(document).encode(), file_format="json", facts=FACTS)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"stride": 5}, r"blocks\[3\]: a map of \d+ px does not become"),
        ({"in_channels": -1}, r"blocks\[3\]: in_channels must lie in 1"),
        ({"times": {"fp32": {"median_ms": -2.0}}}, r"blocks\[3\]: median_ms: .* above 0, got -2"),
        ({"times": {"fp9": {"median_ms": 1}}}, r"blocks\[3\]: times"),
        ({"colour": "red"}, r"blocks\[3\]: colour: is not a field"),
    ],
    ids=range(5),
)
def test_a_row_of_a_document_that_cannot_be_is_named(
    change: dict[str, object], message: str
) -> None:
    document = to_json(table_of_space(SPACES["tiny"]))
    document["blocks"][3].update(change)

    with pytest.raises(InvalidTable, match=message):
        parse_table(json.dumps(document).encode(), file_format="json", facts=FACTS)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"blocks": [{}] * 1_000_000}, "has 1,000,003 rows; a table has at most 20,000"),
        ({"blocks": [{}] * 20_000, "layers": []}, r"blocks\[0\]: input_size: is required"),
        ({"blocks": [{"times": dict.fromkeys(map(str, range(200_000)), 1)}]}, "more than 200"),
        ({"notes": [1] * 2_000_000}, "more than 50,000 values beside its rows"),
        ({"end_to_end": {"fp32": {"networks": [{}] * 1_000_000}}}, "more than 50,000 values"),
    ],
    ids=["rows", "empty rows", "a long row", "notes", "networks"],
)
def test_a_document_of_a_million_faults_is_refused_at_the_first(
    value: dict[str, object], message: str
) -> None:
    text = json.dumps({**to_json(table_of_space(SPACES["tiny"])), **value}, separators=(",", ":"))
    before = time.process_time()

    with pytest.raises(InvalidTable, match=message):
        parse_table(text.encode(), file_format="json", facts=FACTS)

    assert len(text) < MOST_BYTES
    assert time.process_time() - before < 3  # seconds; by way of the codec it took minutes


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"version": 2}, "version"),
        ({"colour": 1}, "colour: is not a field"),
        ({"blocks": [], "layers": []}, "a table has 1 to 20000 rows"),
        ({"name": "../x"}, "name: must be 1 to 48"),
        ({"batch": 0}, "batch: must lie in 1"),
    ],
    ids=range(5),
)
def test_a_document_that_cannot_be_is_refused(value: dict[str, object], message: str) -> None:
    document = {**to_json(table_of_space(SPACES["tiny"])), **value}

    with pytest.raises(InvalidConfig, match=message):
        parse_table(json.dumps(document).encode(), file_format="json", facts=FACTS)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty"),
        (b"PK\x03\x04" + b"\0" * 100, r"is compressed \(zip\)"),
        (b"\x1f\x8b" + zlib.compress(b"\0" * 10**6), r"is compressed \(gzip\)"),
        (b"0" * (MOST_BYTES + 1), "a table has at most 4,194,304"),
        (b"\xff\xfe\x00", r"is not text in UTF-8 \(byte 0\)"),
        (
            b"kind,in_channels,out_channels,latency\n" + b"linear,1,1,1\n" * 200_000,
            "at most 160,000",
        ),
        (
            b"kind,in_channels,out_channels,latency\n"
            + b"".join(b"linear,%d,1,1\n" % n for n in range(1, 20_002)),
            "at most 20,000 shapes",
        ),
    ],
    ids=["empty", "zip", "gzip", "large", "binary", "many lines", "many shapes"],
)
def test_a_file_that_is_too_much_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(InvalidTable, match=message):
        parse_table(data, file_format="csv", facts=FACTS)


@settings(max_examples=150, deadline=None)
@given(
    data=st.binary(max_size=300) | st.text(max_size=300).map(str.encode),
    file_format=st.sampled_from(["npy", "yaml", "csv", "json"]),
    start=st.sampled_from([b"", YAML.encode(), CSV.encode(), b"\x93NUMPY\x01\x00", b'{"name":']),
)
def test_no_file_breaks_the_import(data: bytes, file_format: str, start: bytes) -> None:
    facts = TableFacts(name="x", network=layer_table("mobilenet_v1_small"))

    try:
        table = parse_table(start + data, file_format=file_format, facts=facts)  # type: ignore[arg-type]
    except InvalidConfig:
        return
    assert table.rows > 0


@pytest.mark.parametrize(
    ("name", "known"), [("a.NPY", "npy"), ("b.yml", "yaml"), ("c.csv", "csv"), ("d.json", "json")]
)
def test_the_ending_tells_the_format(name: str, known: str) -> None:
    assert format_of(name) == known


def test_another_ending_is_refused() -> None:
    with pytest.raises(InvalidTable, match=r"'table\.npz' is none of"):
        format_of("table.npz")
