"""A table as the JSON that is stored: checked whole, small enough to be shown and loaded again."""

import json
from collections.abc import Iterator
from typing import Final

from engine.cost.imported_rows import check_rows
from engine.cost.table_import import MOST_BYTES
from engine.schema.codec import Json, from_json, to_json
from engine.schema.cost_table import CostTable
from engine.schema.errors import InvalidTable

LONGEST_TITLE: Final = 200
_LONGEST_TEXT = 1000
_MOST_NOTES, _MOST_NETWORKS = 100, 1000


def checked_document(table: CostTable) -> Json:
    """Return a table as the JSON that is stored, once nothing stands against it.

    Raises:
        InvalidConfig: a field or row of it cannot stand.
    """
    document = to_json(table)
    from_json(CostTable, document)
    check_rows(table)
    _check_words(table)
    text = json.dumps(document, separators=(",", ":"))
    if "\\u0000" in text:  # PostgreSQL's text has no such character
        raise InvalidTable("holds the character NUL in a text; remove it")
    if not _is_unicode(document):  # nor halves of characters
        raise InvalidTable("holds half a character (a lone surrogate) in a text; remove it")
    if len(text) > MOST_BYTES:  # it could not be loaded again
        raise InvalidTable(
            f"comes to {len(text):,} bytes as a document, which has at most {MOST_BYTES:,}. Leave "
            "out rows that no network needs"
        )
    return document


def fingerprint(table: CostTable) -> str:
    """Return what a table was measured on, in one line; "": its document does not say."""
    machine = table.machine
    if machine is None:
        return ""
    parts = (machine.accelerator, machine.processor, machine.system, table.runtime)
    return ", ".join(part for part in parts if part)


def _is_unicode(document: Json) -> bool:
    """Whether every text can be written as UTF-8; JSON's escapes can spell what cannot."""
    try:
        json.dumps(document, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _check_words(table: CostTable) -> None:
    """Check that what pages show of a table has the length of words."""
    if not table.title.strip():
        raise InvalidTable("has no title; give it one")
    if len(table.title) > LONGEST_TITLE:
        raise InvalidTable(f"has a title of more than {LONGEST_TITLE} letters; shorten it")
    if len(table.notes) > _MOST_NOTES:
        raise InvalidTable(f"has more than {_MOST_NOTES} notes; leave some out")
    for name, text in _texts(table):
        if len(text) > _LONGEST_TEXT:
            raise InvalidTable(f"has more than {_LONGEST_TEXT:,} letters in {name}; shorten it")
    for precision, check in (table.end_to_end or {}).items():
        if len(check.networks) > _MOST_NETWORKS:
            raise InvalidTable(
                f"has more than {_MOST_NETWORKS:,} networks in end_to_end.{precision}; leave some "
                "out"
            )


def _texts(table: CostTable) -> Iterator[tuple[str, str]]:
    """Yield every text that a table is free to fill, by its place."""
    yield from (("source", table.source), ("subject", table.subject), ("runtime", table.runtime))
    yield "measured_at", table.measured_at
    yield from ((f"notes[{at}]", note) for at, note in enumerate(table.notes))
    yield from ((f"grids[{at}].layer", row.layer) for at, row in enumerate(table.grids))
    if table.machine is not None:
        yield "machine", fingerprint(table)
    for precision, check in (table.end_to_end or {}).items():
        for at, network in enumerate(check.networks):
            yield f"end_to_end.{precision}.networks[{at}].label", network.label
