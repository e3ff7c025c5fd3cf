"""`python -m engine.nn.layer_tables`: write the layer tables of the catalogue.

The web process prices networks without torch; it reads these.
"""

import json
from pathlib import Path

from engine.catalog.models import LAYER_TABLES, MODELS, ModelEntry
from engine.catalog.published import PUBLISHED
from engine.nn.build import build_model
from engine.nn.describe import describe
from engine.schema.codec import to_json
from engine.schema.layers import ModelSpec


def native_spec(entry: ModelEntry) -> ModelSpec:
    """Return a catalogue model's layers on its native input and classes."""
    model = build_model(entry.id, input=entry.input, classes=entry.classes)
    return describe(model, model_id=entry.id, input=entry.input, classes=entry.classes)


def write_layer_tables(folder: Path) -> list[Path]:
    """Write one JSON file for every model of the catalogue; return their paths.

    Architectures need none: their layers follow from their blocks.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for entry in MODELS.values():
        if entry.id in PUBLISHED:
            continue
        path = folder / f"{entry.id}.json"
        text = json.dumps(to_json(native_spec(entry)), indent=1)
        path.write_text(text + "\n", encoding="utf-8")
        paths.append(path)
    return paths


if __name__ == "__main__":
    write_layer_tables(LAYER_TABLES)
