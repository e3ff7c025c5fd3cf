"""What is asked about: a model's layers, a space in its shape, a target."""

import argparse
from pathlib import Path

from engine.catalog.datasets import DatasetEntry, dataset_entry
from engine.catalog.model_files import entry_of, spec_of
from engine.catalog.models import fitted_input
from engine.catalog.spaces import space_for
from engine.catalog.tables import read_table, table_target
from engine.catalog.targets import target_entry
from engine.commands.answers import read_json
from engine.schema.architecture import SearchSpace
from engine.schema.codec import from_json
from engine.schema.errors import InvalidConfig
from engine.schema.layers import ModelSpec
from engine.schema.space_shape import SpaceShape
from engine.schema.target import Target


def add_subject(parser: argparse.ArgumentParser) -> None:
    """Let a command be asked about a model, or a space in any shape."""
    parser.add_argument(
        "model",
        metavar="MODEL",
        help="an id of `list models`, torchvision's, file:<path>, or space:<id of `list spaces`>",
    )
    parser.add_argument("--dataset", metavar="D", help="fit the ends to an id of `list datasets`")
    add_shape(parser)


def add_shape(parser: argparse.ArgumentParser) -> None:
    """Let a command take the shape of a space."""
    parser.add_argument(
        "--shape", type=Path, metavar="FILE", help="of a space: its widths, blocks, strides; JSON"
    )


def add_tables(parser: argparse.ArgumentParser) -> None:
    """Let a command look measured tables up."""
    parser.add_argument(
        "--tables", type=Path, default=Path("var/tables"), help="folder of measured tables"
    )


def asked_model(model_id: str, dataset_id: str | None) -> ModelSpec:
    """Return a model's layers from the catalogue or a file, else by building it."""
    dataset = None if dataset_id is None else dataset_entry(dataset_id)
    return spec_of(model_id, dataset) or _built_spec(model_id, dataset)


def _built_spec(model_id: str, dataset: DatasetEntry | None) -> ModelSpec:
    entry = entry_of(model_id)
    # Only here: loading torch takes seconds, and most questions need no network.
    from engine.nn.build import build_model  # noqa: PLC0415
    from engine.nn.describe import describe  # noqa: PLC0415

    image, classes = fitted_input(entry, dataset)
    model = build_model(model_id, input=image, classes=classes)
    return describe(model, model_id=model_id, input=image, classes=classes)


def asked_space(options: argparse.Namespace) -> SearchSpace | None:
    """Return the space that was asked about, in its shape; None where it was a model."""
    kind, _, name = options.model.partition(":")
    if kind != "space":
        if options.shape is not None:
            raise InvalidConfig("shape", f"{options.model} is no space; ask for space:<id>")
        return None
    dataset = None if options.dataset is None else dataset_entry(options.dataset)
    return space_for(name, dataset=dataset, shape=asked_shape(options.shape))


def asked_shape(file: Path | None) -> SpaceShape:
    """Return the shape that a file holds; None: the space's own."""
    return SpaceShape() if file is None else from_json(SpaceShape, read_json(file, "shape"))


def asked_target(asked: str, tables: Path) -> Target:
    """Return a target by its id, or by the file of a table."""
    if asked.endswith(".json"):
        return table_target(read_table(Path(asked)))
    return target_entry(asked, tables=tables)
