"""`python -m engine list`: what one may choose."""

import argparse
from collections.abc import Mapping

from engine.catalog.datasets import DATASETS
from engine.catalog.hosts import HOSTS
from engine.catalog.models import MODELS
from engine.catalog.presets import QUANTIZE_PRESETS
from engine.catalog.spaces import SPACES
from engine.catalog.tables import stored_tables, table_target
from engine.catalog.targets import TARGETS
from engine.commands.answers import print_answer
from engine.commands.asked import add_tables
from engine.schema.codec import Json, to_json

CATALOGUES: Mapping[str, Mapping[str, object]] = {
    "targets": {**TARGETS, **HOSTS},
    "models": MODELS,
    "spaces": SPACES,
    "datasets": DATASETS,
    "presets": QUANTIZE_PRESETS,
}


def add_to(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("catalogue", choices=list(CATALOGUES))
    add_tables(parser)
    parser.set_defaults(command=_list)


def _list(options: argparse.Namespace) -> int:
    entries = list(CATALOGUES[options.catalogue].values())
    if options.catalogue == "targets":
        entries += [table_target(table) for table in stored_tables(options.tables)]
    return print_answer([_without_rows(to_json(entry)) for entry in entries])


def _without_rows(entry: Json) -> Json:
    """A list tells what there is; a table's thousands of times are in its file."""
    return {name: value for name, value in entry.items() if name != "cost_table"}
