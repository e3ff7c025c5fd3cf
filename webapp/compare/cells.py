"""The cells and rows of a comparison's table."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One value, where it comes from, and whether it is the row's best."""

    text: str
    provenance: str = ""
    is_best: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One quantity of all runs."""

    title: str
    cells: tuple[Cell, ...]

    @property
    def differs(self) -> bool:
        """Whether the runs do not all say the same."""
        return len({cell.text for cell in self.cells}) > 1
