"""A chart as a page needs it: the figure, a sentence that says what it shows, and a table twin."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

FigureJson = dict[str, Any]  # Any: Plotly's own JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The same data as the figure; the first column heads its row."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """One figure with its words."""

    id: str
    title: str
    summary: str  # what the figure shows, in place of it for who cannot see it
    figure: FigureJson
    table: Table
    height: int = 320  # pixels

    @property
    def data_id(self) -> str:
        """The id of the element that carries the figure's JSON."""
        return f"{self.id}-figure"


def axis(title: str = "", **options: Any) -> FigureJson:  # Any: Plotly's own options
    """Return an axis with the look all charts share."""
    return {
        "title": {"text": title, "standoff": 10},
        "automargin": True,
        "zeroline": False,
        "gridcolor": "var(--line-soft)",
        "linecolor": "var(--line)",
        "tickcolor": "var(--line)",
        "tickfont": {"color": "var(--text-muted)"},
        **options,
    }


def log_axis(title: str, *, lowest: int, highest: int) -> FigureJson:
    """Return a logarithmic axis whose ticks are whole numbers: 1, 2 and 5 of each power of ten.

    `lowest` and `highest` are the first and last power; Plotly shows those within the data.
    """
    values = [digit * 10.0**power for power in range(lowest, highest + 1) for digit in (1, 2, 5)]
    texts = [_tick(value) for value in values]
    return axis(title, type="log", tickvals=values, ticktext=texts)


def _tick(value: float) -> str:
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"


def layout(*, height: int, **options: Any) -> FigureJson:  # Any: Plotly's own options
    """Return the layout all charts share; fonts and colours are the page's."""
    return {
        "height": height,
        "margin": {"l": 56, "r": 12, "t": 8, "b": 44},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": "var(--text)", "size": 12},
        "hovermode": "closest",
        "hoverlabel": {
            "bgcolor": "var(--surface-raised)",
            "bordercolor": "var(--line)",
            "font": {"color": "var(--text)"},
        },
        "legend": {
            "orientation": "h",
            "x": 0,
            "y": 1.02,
            "yanchor": "bottom",
            "itemsizing": "constant",
        },
        **options,
    }


def listed(items: Sequence[str], conjunction: str = "and") -> str:
    """Return items as a sentence lists them: "a, b and c"."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {conjunction} {items[-1]}"
