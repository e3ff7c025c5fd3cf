"""A live chart, declared: which events it reads and how they are drawn.

`static/js/live-chart.js` turns events of the named kind into points, and knows nothing of any
algorithm.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Literal

from webapp.charts.chart import FigureJson
from webapp.charts.operations import Option

# append: one point per event. replace: the last event draws the whole trace.
# columns: each event is one column of a heat map.
# shares: the last event is a heat map, decisions by options. choice: its bars, one a decision.
Mode = Literal["append", "replace", "columns", "shares", "choice"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveTrace:
    """One trace and the events that feed it; paths are dotted, `*` is every value of a map."""

    event: str
    y: str
    x: str = ""  # "": the order of arrival, or of the values
    mode: Mode = "append"
    # Fields that must equal these, or be among them.
    where: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    labels: str = ""  # a map whose keys name the values; append: what names the point
    low: str = ""  # append: where a bar through each point begins,
    high: str = ""  # and where it ends; the table twin has a column for each
    scale: float = 1.0  # 100 shows a ratio as percent
    log_floor: float | None = None  # columns are shown as log10, not below this
    options: tuple[tuple[Option, ...], ...] = ()  # shares and choice: by decision
    names: tuple[str, ...] = ()  # shares and choice: of the decisions
    group: str = ""  # choice: draws only the options of this group
    plotly: FigureJson = field(default_factory=dict)  # name, colour, dash: Plotly's words


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveChart:
    """One chart of the live page."""

    id: str
    title: str
    description: str  # what there is to see, in place of the figure
    stages: tuple[str, ...]  # a place is kept for it in a run that has one of these
    layout: FigureJson
    traces: tuple[LiveTrace, ...]
    columns: tuple[str, ...]  # heads of the table twin: series, x, y; low, high
    wide: bool = False
    depth: float | None = None  # marks below the best by more than this leave the frame

    @property
    def data_id(self) -> str:
        """The id of the element that carries the declaration."""
        return f"{self.id}-declaration"

    @property
    def declaration(self) -> FigureJson:
        """What the page's script reads."""
        return {
            "id": self.id,
            "layout": self.layout,
            "columns": list(self.columns),
            "depth": self.depth,
            "traces": [_camel(trace) for trace in self.traces],
        }


def _camel(trace: LiveTrace) -> FigureJson:
    plain = asdict(trace)
    plain["logFloor"] = plain.pop("log_floor")
    return plain
