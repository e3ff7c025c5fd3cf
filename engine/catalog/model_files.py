"""Networks given as a file: `file:<path>` is a model where files may be read.

Whoever answers the web must not come here with an id from outside; `engine.catalog.models` reads
no file but the catalogue's own.
"""

from pathlib import Path

from engine.catalog.architecture_file import read_architecture
from engine.catalog.datasets import DatasetEntry
from engine.catalog.models import ModelEntry, fitted_input, layer_table, model_entry
from engine.catalog.published import PUBLISHED, published
from engine.schema.architecture import Architecture
from engine.schema.layers import ModelSpec
from engine.schema.lowering import model_spec

FILE_PREFIX = "file:"
_LARGE_PX = 64  # networks for images of this size and more see grey images as colour


def architecture_of(model_id: str) -> Architecture | None:
    """Return the architecture that a model is; None: it is a network of another kind.

    Raises:
        InvalidConfig: a file that cannot be read as an architecture.
    """
    if model_id.startswith(FILE_PREFIX):
        return read_architecture(Path(model_id.removeprefix(FILE_PREFIX)))
    return published(model_id) if model_id in PUBLISHED else None


def entry_of(model_id: str) -> ModelEntry:
    """Return any model: of the catalogue, torchvision's by its name, or a file.

    Raises:
        InvalidConfig: no such model, or a file that cannot be read as an architecture.
    """
    if not model_id.startswith(FILE_PREFIX):
        return model_entry(model_id)
    path = Path(model_id.removeprefix(FILE_PREFIX))
    return architecture_entry(model_id, read_architecture(path), title=path.name)


def architecture_entry(model_id: str, architecture: Architecture, *, title: str) -> ModelEntry:
    """Return the entry of an architecture that is not in the catalogue."""
    space = architecture.space
    return ModelEntry(
        id=model_id,
        title=title,
        description=f"An architecture of the space {space.id}.",
        input=space.input,
        classes=space.classes,
        small=space.input.size < _LARGE_PX,
        source=space.source,
    )


def spec_of(model_id: str, dataset: DatasetEntry | None = None) -> ModelSpec | None:
    """Return the layers of a model fitted to a data set; None: they need torch.

    Raises:
        InvalidConfig: no such model, or a file that cannot be read as an architecture.
    """
    if not model_id.startswith(FILE_PREFIX):
        return layer_table(model_id, dataset)
    architecture = read_architecture(Path(model_id.removeprefix(FILE_PREFIX)))
    entry = architecture_entry(model_id, architecture, title=model_id)
    input, classes = fitted_input(entry, dataset)
    return model_spec(architecture.fitted(input, classes)).named(model_id)
