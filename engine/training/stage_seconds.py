"""How long each stage of a run took, over all the attempts that it had."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from engine.schema.events import Stage


@contextmanager
def timed(stage: Stage, spent: dict[str, float]) -> Iterator[None]:
    """Add the seconds that pass inside to those of a stage, also where it is left by an error."""
    started = time.monotonic()
    try:
        yield
    finally:
        spent[stage] = spent.get(stage, 0.0) + time.monotonic() - started
