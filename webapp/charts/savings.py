"""What fewer bits save where: why the best policies of two devices differ."""

from collections.abc import Mapping, Sequence

from engine.cost.elasticity import Operand, Saving
from engine.schema.cost import Metric
from engine.schema.layers import LayerKind
from webapp.charts.chart import Chart, FigureJson, Table, axis, layout
from webapp.charts.palette import DEVICES, KINDS, Mark
from webapp.charts.quantities import QUANTITIES, percent

_HEIGHT = 340
_Group = tuple[LayerKind, Operand]


def savings_chart(
    devices: Mapping[str, Sequence[Saving]], metric: Metric, *, network: str
) -> Chart:
    """Draw, device by device, what one bit less in each kind of layer saves of a network's cost."""
    title = QUANTITIES[metric].title.lower()
    marks = dict(zip(devices, DEVICES, strict=False))
    return Chart(
        id="savings",
        title=f"What one bit less saves: {title} of {network}",
        summary=_summary(devices, title),
        figure={
            "data": [_trace(name, rows, marks[name]) for name, rows in devices.items()],
            "layout": layout(
                height=_HEIGHT,
                barmode="group",
                bargap=0.3,
                xaxis=axis(showgrid=False),
                yaxis=axis(f"Saved of the whole {title} (%)", rangemode="tozero"),
            ),
        },
        table=_table(devices),
        height=_HEIGHT,
    )


def _trace(name: str, rows: Sequence[Saving], mark: Mark) -> FigureJson:
    return {
        "type": "bar",
        "name": name,
        "x": [_label((row.kind, row.operand)) for row in rows],
        "y": [round(100 * row.one_bit, 4) for row in rows],
        "marker": {
            "color": mark.color,
            "pattern": {
                "shape": mark.pattern,
                "fgcolor": "var(--surface)",
                "fillmode": "overlay",
                "solidity": 0.25,
            },
        },
        "hovertemplate": f"%{{x}}: %{{y:.2f}} %<extra>{name}</extra>",
    }


def _label(group: _Group) -> str:
    kind, operand = group
    return f"{KINDS[kind].title}<br>{operand}"


def _summary(devices: Mapping[str, Sequence[Saving]], title: str) -> str:
    sentences = []
    for name, rows in devices.items():
        best = max(rows, key=lambda row: row.one_bit)
        if best.one_bit <= 0:
            sentences.append(f"On {name} no bit saves any {title}.")
        else:
            sentences.append(
                f"On {name} a bit saves most in {KINDS[best.kind].title} {best.operand}: "
                f"{percent(best.one_bit)} of the {title}."
            )
    return " ".join(["All other layers stay at 8 bits.", *sentences])


def _table(devices: Mapping[str, Sequence[Saving]]) -> Table:
    by_group: dict[_Group, dict[str, Saving]] = {}
    for name, rows in devices.items():
        for row in rows:
            by_group.setdefault((row.kind, row.operand), {})[name] = row
    heads = ("share of the cost", "7 bits save", "4 bits save")
    return Table(
        columns=("Layers", *(f"{name}: {head}" for name in devices for head in heads)),
        rows=tuple(
            (
                f"{KINDS[kind].title} {operand}",
                *(
                    percent(value, places=2)
                    for name in devices
                    for value in (found[name].share, found[name].one_bit, found[name].half)
                ),
            )
            for (kind, operand), found in by_group.items()
        ),
    )
