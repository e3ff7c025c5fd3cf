"""`python -m engine.data.make_fashion_mnist [FOLDER]`: make the built-in part of Fashion-MNIST.

FOLDER holds the four official files; Debian's package dataset-fashion-mnist puts them where they
are looked for by default.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.data.fashion_mnist import BUILT_IN, DEBIAN_FOLDER, full_splits
from engine.schema.results import Split

PART: dict[Split, int] = {"train": 10_000, "search": 2_000, "report": 6_000}


def make_part(source: Path, destination: Path) -> None:
    """Write the first images of each split, their labels and their places in the official files."""
    arrays: dict[str, NDArray[Any]] = {}  # Any: bytes, and places in 16 bits
    for name, split in full_splits(source).items():
        count = PART[name]
        arrays[f"{name}_images"] = split.images[:count]
        arrays[f"{name}_labels"] = split.labels[:count].astype(np.uint8)
        arrays[f"{name}_indices"] = split.indices[:count].astype(np.uint16)
    destination.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(destination, allow_pickle=False, **arrays)


if __name__ == "__main__":
    make_part(Path(sys.argv[1]) if len(sys.argv) > 1 else DEBIAN_FOLDER, BUILT_IN)
