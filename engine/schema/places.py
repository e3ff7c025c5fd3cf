"""Where a run may look for data and keep trained weights."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Folders outside a run's own working folder."""

    data_root: Path  # data sets, laid out as torchvision lays them out
    weights_store: Path  # float weights that earlier runs trained
    tables: Path | None = None  # imported and profiled cost tables, `<hash>.json` each
