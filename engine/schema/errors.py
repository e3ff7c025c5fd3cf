"""What can go wrong for a reason the person who started the run can mend.

    EngineError
    ├── InvalidConfig        a field of the config, with the remedy
    ├── BudgetUnreachable    no policy meets the budget; carries the nearest that one can meet
    ├── UnsupportedModel     a layer the engine cannot quantise or price
    └── Diverged             the numbers left the finite range

Any other exception is a bug and is treated as one.
"""


class EngineError(Exception):
    """An error whose text is written for the person who started the run."""


class InvalidConfig(EngineError):
    """A field of the config that cannot stand, and what to do about it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


class BudgetUnreachable(EngineError):
    """A budget outside what the model can reach on the target."""

    def __init__(self, *, metric: str, limit: float, lowest: float) -> None:
        super().__init__(
            f"budgets: {metric} of {limit:g} is below the lowest this model reaches on this "
            f"target, {lowest:g}; ask for at least that"
        )
        self.metric = metric
        self.limit = limit
        self.lowest = lowest


class UnsupportedModel(EngineError):
    """A model with a layer that the engine cannot handle."""

    def __init__(self, layer: str, message: str) -> None:
        super().__init__(f"model: layer {layer!r} {message}")
        self.layer = layer


class Diverged(EngineError):
    """Training or search left the finite range."""

    def __init__(self, step: int, what: str) -> None:
        super().__init__(f"{what} is not finite at step {step}; lower the learning rate")
        self.step = step
