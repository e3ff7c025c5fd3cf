"""The networks that a search ends with: the one it found, and those it is measured against."""

from dataclasses import dataclass

from engine.catalog.mobilenet_v2 import mobilenet_v2_blocks
from engine.proxyless.priced_space import Choices, PricedSpace
from engine.proxyless.projection import drawn_networks
from engine.schema.architecture import Architecture
from engine.schema.cost import Cost
from engine.schema.errors import InvalidConfig
from engine.schema.layers import ModelSpec
from engine.schema.lowering import model_spec
from engine.schema.results import ArchitectureOrigin, Role
from engine.solver.problem import is_within
from engine.training.seed import numpy_generator

FOUND = "found"
MOBILENET_V2 = "mobilenet_v2"
# Widths of MobileNetV2 that are looked at; channels move in steps of eight, so many are alike.
_WIDTHS = tuple(round(0.1 + 0.01 * step, 2) for step in range(391))


@dataclass(frozen=True, slots=True, kw_only=True)
class Finalist:
    """A network that is trained by the common recipe."""

    id: str
    label: str
    role: Role
    origin: ArchitectureOrigin
    architecture: Architecture
    spec: ModelSpec
    cost: Cost
    width: float | None = None  # multiplier of a MobileNetV2
    note: str = ""

    @property
    def choices(self) -> Choices | None:
        """Its choices, if it is of the searched space."""
        return None if self.origin == MOBILENET_V2 else self.architecture.choices


def finalists(
    priced: PricedSpace, found: Choices, *, random_networks: int, seed: int
) -> tuple[Finalist, ...]:
    """Return the found network first, then MobileNetV2, then random networks within the budgets."""
    rows = [_of_space(priced, found, id=FOUND, label="Found network", origin="search")]
    yardstick = mobilenet_v2_finalist(priced)
    rows += [] if yardstick is None else [yardstick]
    rng = numpy_generator(seed, "random networks")
    drawn = [
        choices for choices in drawn_networks(priced, random_networks + 1, rng) if choices != found
    ]
    rows += [
        _of_space(priced, choices, id=f"random-{number}", label=f"Random {number}", origin="random")
        for number, choices in enumerate(drawn[:random_networks], start=1)
    ]
    return tuple(rows)


def mobilenet_v2_finalist(priced: PricedSpace) -> Finalist | None:
    """Return MobileNetV2 at the width that uses the budgets most without breaking one.

    Where even the narrowest breaks one, it is the narrowest, and says so; None: the images are
    too small for it, or the target cannot price it. A table that somebody measured for a space
    knows that space's blocks alone, and the search is not to fail of its yardstick.
    """
    space = priced.space
    best: tuple[float, Finalist] | None = None
    seen: set[str] = set()
    for width in _WIDTHS:
        try:
            architecture = mobilenet_v2_blocks(
                width=width, input=space.input, classes=space.classes
            )
        except InvalidConfig:
            return None
        spec = model_spec(architecture)
        if spec.model_hash in seen:
            continue
        seen.add(spec.model_hash)
        try:
            cost = priced.network_cost(spec)
        except InvalidConfig:
            continue
        use = max(cost[budget.metric] / budget.limit for budget in priced.budgets)
        fits = all(is_within(cost[budget.metric], budget.limit) for budget in priced.budgets)
        if not fits and best is not None:
            break
        note = "" if fits else "Even the narrowest breaks the budget; compare with care."
        row = _mobilenet_v2(architecture, spec, cost, width=width, note=note)
        if best is None or use > best[0]:
            best = (use, row)
        if not fits:
            break
    return None if best is None else best[1]


def _mobilenet_v2(
    architecture: Architecture, spec: ModelSpec, cost: Cost, *, width: float, note: str
) -> Finalist:
    return Finalist(
        id=MOBILENET_V2,
        label=f"MobileNetV2 ×{width:g}",
        role="baseline",
        origin="mobilenet_v2",
        architecture=architecture,
        spec=spec,
        cost=cost,
        width=width,
        note=note,
    )


def _of_space(
    priced: PricedSpace, choices: Choices, *, id: str, label: str, origin: ArchitectureOrigin
) -> Finalist:
    architecture = Architecture(space=priced.space, choices=choices)
    return Finalist(
        id=id,
        label=label,
        role="found" if origin == "search" else "baseline",
        origin=origin,
        architecture=architecture,
        spec=model_spec(architecture),
        cost=priced.cost(choices),
    )
