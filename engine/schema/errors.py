"""What can go wrong for a reason the person who started the run can mend.

    EngineError
    ├── InvalidConfig        a field of the config, with the remedy
    │   ├── InvalidTable     a cost table from outside, with the row
    │   └── BudgetsContradict  two budgets that no policy meets at once; carries the pair
    ├── BudgetUnreachable    no policy meets the budget; carries the nearest that one can meet
    ├── UnsupportedModel     a layer the engine cannot quantise or price
    └── Diverged             the numbers left the finite range

Any other exception is a bug and is treated as one.
"""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal


class EngineError(Exception):
    """An error whose text is written for the person who started the run."""


def readable_limit(limit: float, *, upwards: bool = False) -> str:
    """Return a limit in six digits, rounded to the side on which it can still be asked for."""
    digits = Decimal(limit)
    if not digits:
        return "0"
    unit = Decimal(1).scaleb(min(0, digits.adjusted() - 5))
    rounding = ROUND_CEILING if upwards else ROUND_FLOOR
    text = f"{digits.quantize(unit, rounding=rounding):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


class InvalidConfig(EngineError):
    """A field of the config that cannot stand, and what to do about it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


class InvalidTable(InvalidConfig):
    """A table of costs that cannot be taken in, with the row that is wrong."""

    def __init__(self, message: str, *, row: str = "") -> None:
        super().__init__("table", f"{row}: {message}" if row else message)
        self.row = row  # "line 17", "layer 3 (features.1.conv.0.0)"; "": the file as a whole


class BudgetsContradict(InvalidConfig):
    """Two budgets of which each can be met, and both together cannot."""

    def __init__(
        self, *, first: tuple[str, float], second: tuple[str, float], least: float
    ) -> None:
        (first_metric, first_limit), (second_metric, second_limit) = first, second
        super().__init__(
            "budgets",
            f"{first_metric} of {first_limit:g} and {second_metric} of {second_limit:g} "
            f"contradict each other: with the first, {second_metric} is at least "
            f"{readable_limit(least, upwards=True)}; raise one of the two",
        )
        self.first = first  # metric and limit
        self.second = second
        self.least = least  # what the second metric can be where the first limit is met


class BudgetUnreachable(EngineError):
    """A budget outside what the model can reach on the target."""

    def __init__(self, *, metric: str, limit: float, lowest: float) -> None:
        super().__init__(
            f"budgets: {metric} of {limit:g} is below the lowest this model reaches on this "
            f"target, {readable_limit(lowest, upwards=True)}; ask for at least that"
        )
        self.metric = metric
        self.limit = limit
        self.lowest = lowest


class UnsupportedModel(EngineError):
    """A model with layers that the engine cannot handle: each is named, with the remedy."""

    def __init__(self, layer: str, message: str, *others: tuple[str, str]) -> None:
        self.layer = layer
        self.obstacles = ((layer, message), *others)  # each a layer and what is the matter
        text = f"layer {layer!r} {message}" if layer else f"the network {message}"
        if others:
            text = f"{len(self.obstacles)} layers stand in the way. {self._together()}"
        super().__init__(f"model: {text}")

    def _together(self) -> str:
        layers: dict[str, list[str]] = {}
        for layer, message in self.obstacles:
            layers.setdefault(message, []).append(repr(layer) if layer else "")
        return " ".join(f"{_subject(names)} {message}." for message, names in layers.items())


class Diverged(EngineError):
    """Training or search left the finite range."""

    def __init__(self, step: int, what: str) -> None:
        super().__init__(f"{what} is not finite at step {step}; lower the learning rate")
        self.step = step


def _subject(names: list[str]) -> str:
    if names == [""]:
        return "The network"
    return f"Layer {names[0]}" if len(names) == 1 else f"Layers {', '.join(names)}: each"
