"""Activation bits by layer as bars, two panels a row, in one SVG that suits light and dark."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_PANEL_WIDTH, _PANEL_HEIGHT = 430, 170  # pixels
_LEFT, _TOP = 34, 30  # of the plot inside its panel
_PLOT_WIDTH, _PLOT_HEIGHT = 386, 120
_LEGEND_HEIGHT = 30
_MOST = 8  # bits
_STYLE = """
  text { font: 12px system-ui, sans-serif; fill: #1f2328; }
  .title { font-weight: 600; }
  .grid { stroke: #d0d7de; }
  .depthwise { fill: #0072b2; }
  .pointwise { fill: none; stroke: #b35900; stroke-width: 1.2; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .grid { stroke: #3d444d; }
    .depthwise { fill: #56b4e9; }
    .pointwise { stroke: #f0a04b; }
  }
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One policy: the activation bits of its layers in forward order, the ends left out."""

    title: str
    bits: tuple[int, ...]
    depthwise: tuple[bool, ...]  # of each layer; the others are pointwise

    def mean(self, *, depthwise: bool) -> float:
        """The mean bits of one kind of layer."""
        own = [
            b for b, is_own in zip(self.bits, self.depthwise, strict=True) if is_own == depthwise
        ]
        return sum(own) / len(own)


def figure(panels: Sequence[Panel]) -> str:
    """Return the SVG's text."""
    rows = -(-len(panels) // 2)
    width, height = 2 * _PANEL_WIDTH, rows * _PANEL_HEIGHT + _LEGEND_HEIGHT
    said = "; ".join(
        f"{panel.title}: depthwise {panel.mean(depthwise=True):.1f}, "
        f"pointwise {panel.mean(depthwise=False):.1f}"
        for panel in panels
    )
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img" aria-labelledby="title">',
        f'<title id="title">Mean activation bits. {said}.</title>',
        f"<style>{_STYLE}</style>",
        *_legend(),
    ]
    for index, panel in enumerate(panels):
        row, column = divmod(index, 2)
        x, y = column * _PANEL_WIDTH, _LEGEND_HEIGHT + row * _PANEL_HEIGHT
        parts += [f'<g transform="translate({x} {y})">', *_panel(panel), "</g>"]
    return "\n".join([*parts, "</svg>", ""])


def _legend() -> Iterator[str]:
    yield '<rect class="depthwise" x="34" y="8" width="12" height="12"/>'
    yield '<text x="52" y="18">depthwise layer, bits of its input</text>'
    yield '<rect class="pointwise" x="270" y="8" width="12" height="12"/>'
    yield '<text x="288" y="18">pointwise layer</text>'
    yield '<text x="400" y="18">layers in forward order, first and last left out</text>'


def _panel(panel: Panel) -> Iterator[str]:
    means = f"on average {panel.mean(depthwise=True):.1f} and {panel.mean(depthwise=False):.1f}"
    yield f'<text class="title" x="{_LEFT}" y="18">{panel.title}</text>'
    yield f'<text x="{_LEFT + _PLOT_WIDTH}" y="18" text-anchor="end">{means}</text>'
    for bits in range(0, _MOST + 1, 2):
        y = _y(bits)
        yield f'<line class="grid" x1="{_LEFT}" x2="{_LEFT + _PLOT_WIDTH}" y1="{y}" y2="{y}"/>'
        yield f'<text x="{_LEFT - 8}" y="{y + 4}" text-anchor="end">{bits}</text>'
    step = _PLOT_WIDTH / len(panel.bits)
    for index, (bits, is_depthwise) in enumerate(zip(panel.bits, panel.depthwise, strict=True)):
        kind = "depthwise" if is_depthwise else "pointwise"
        x, top = _LEFT + index * step + 0.1 * step, _y(bits)
        yield (
            f'<rect class="{kind}" x="{x:.1f}" y="{top}" width="{0.8 * step:.1f}" '
            f'height="{_y(0) - top}"/>'
        )


def _y(bits: float) -> float:
    return _TOP + _PLOT_HEIGHT * (1 - bits / _MOST)
