"""What is stored of a table can be shown on a page and loaded again."""

from dataclasses import replace

import pytest

from engine.catalog.spaces import SPACES
from engine.schema.codec import from_json
from engine.schema.cost_table import CostTable, LayerRow, Machine, Timing
from engine.schema.errors import InvalidTable
from tests.unit.engine.cost.measured_tables import end_to_end, table_of_space
from webapp.tables.document import checked_document, fingerprint

TABLE = table_of_space(SPACES["tiny"])
CHECK = end_to_end(1.1, 0.02)
TIMES = {one: Timing(median_ms=0.1234567) for one in ("fp32", "bf16", "fp16", "int8")}


def test_a_document_is_the_table() -> None:
    assert from_json(CostTable, checked_document(TABLE)) == TABLE


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"title": " "}, "has no title"),
        ({"title": "x" * 201}, "a title of more than 200 letters"),
        ({"notes": ("a\0b",)}, "the character NUL"),
        ({"notes": ("a\ud800b",)}, "half a character"),
        ({"notes": ("a",) * 101}, "more than 100 notes"),
        ({"source": "x" * 1001}, "more than 1,000 letters in source"),
        ({"notes": ("a", "x" * 1001)}, r"letters in notes\[1\]"),
        ({"machine": Machine(processor="x" * 1001)}, "letters in machine"),
        (
            {"end_to_end": {"fp32": replace(CHECK, networks=CHECK.networks * 1001)}},
            r"more than 1,000 networks in end_to_end\.fp32",
        ),
        (
            {
                "layers": tuple(
                    LayerRow(kind="linear", in_channels=i + 1, out_channels=3, times=TIMES)
                    for i in range(12_000)
                ),
                "blocks": (),
            },
            "bytes as a document, which has at most 4,194,304",
        ),
    ],
    ids=range(10),
)
def test_what_no_page_could_show_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidTable, match=message):
        checked_document(replace(TABLE, **change))  # type: ignore[arg-type] # by field


@pytest.mark.parametrize(
    ("machine", "runtime", "words"),
    [
        (None, "TFLite", ""),
        (Machine(processor="A55", system="Linux"), "TFLite", "A55, Linux, TFLite"),
        (Machine(processor="x86", accelerator="H100"), "", "H100, x86"),
    ],
    ids=["unknown", "a board", "a card"],
)
def test_the_fingerprint_is_one_line(machine: Machine | None, runtime: str, words: str) -> None:
    assert fingerprint(replace(TABLE, machine=machine, runtime=runtime)) == words
