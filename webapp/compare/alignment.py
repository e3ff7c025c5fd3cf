"""Bit policies one under the other: the same layer in the same column where networks agree."""

from collections.abc import Sequence
from dataclasses import dataclass

from engine.schema.policy import FLOAT_BITS, LayerBits
from engine.schema.results import QuantizeResult
from webapp.compare.selection import Run
from webapp.jobs.answer import model_words


@dataclass(frozen=True, slots=True, kw_only=True)
class StripCell:
    """The width of one layer in one run; None where the policy does not name the layer."""

    bits: int | None
    differs: bool  # from another run in the same column

    @property
    def text(self) -> str:
        """What stands in the cell; there is no room for more than a letter."""
        if self.bits is None:
            return "–"
        return "f" if self.is_float else str(self.bits)

    @property
    def is_float(self) -> bool:
        """Whether the operand has no bits."""
        return self.bits == FLOAT_BITS

    @property
    def look(self) -> str:
        """The cell's class: its width, and whether it differs."""
        width = "none" if self.bits is None else "float" if self.is_float else str(self.bits)
        return f"bit-strip__cell--{width}" + (" bit-strip__cell--differs" if self.differs else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class StripRow:
    """One run's widths of weights or of activations."""

    letter: str
    name: str
    side: str  # "weights" or "activations"
    cells: tuple[StripCell, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """The runs on one network, layer by layer."""

    model: str
    layers: tuple[str, ...]
    rows: tuple[StripRow, ...]
    differing: tuple[bool, ...]  # by layer: any two runs differ in it

    @property
    def has_float(self) -> bool:
        """Whether activations of some run stay float."""
        return any(cell.is_float for row in self.rows for cell in row.cells)

    @property
    def difference_count(self) -> int:
        """In how many layers any two runs differ."""
        return sum(self.differing)


def strips(runs: Sequence[Run]) -> list[Strip]:
    """Return a strip per network, its runs in order; runs without a policy are left out."""
    by_network: dict[str, list[tuple[Run, QuantizeResult]]] = {}
    for run in runs:
        if isinstance(run.result, QuantizeResult) and _bits_by_layer(run.result):
            by_network.setdefault(run.result.model.model_hash, []).append((run, run.result))
    return [_strip(own) for own in by_network.values()]


def _strip(own: Sequence[tuple[Run, QuantizeResult]]) -> Strip:
    layers = tuple(layer.name for layer in own[0][1].model.layers)
    bits = {run.letter: _bits_by_layer(result) for run, result in own}
    widths = {
        side: {
            letter: [_width(named.get(layer), side) for layer in layers]
            for letter, named in bits.items()
        }
        for side in ("weights", "activations")
    }
    differs = {
        side: [len(set(column)) > 1 for column in zip(*rows.values(), strict=True)]
        for side, rows in widths.items()
    }
    return Strip(
        model=model_words(own[0][1].model.model),
        layers=layers,
        rows=tuple(
            StripRow(
                letter=run.letter,
                name=run.job.name,
                side=side,
                cells=tuple(
                    StripCell(bits=width, differs=is_other)
                    for width, is_other in zip(widths[side][run.letter], differs[side], strict=True)
                ),
            )
            for side in ("weights", "activations")
            for run, _ in own
        ),
        differing=tuple(
            w or a for w, a in zip(differs["weights"], differs["activations"], strict=True)
        ),
    )


def _bits_by_layer(result: QuantizeResult) -> dict[str, LayerBits]:
    policy = result.contender(result.found).policy
    return dict(policy.layers) if policy else {}


def _width(bits: LayerBits | None, side: str) -> int | None:
    if bits is None:
        return None
    return bits.weight_bits if side == "weights" else bits.activation_bits
