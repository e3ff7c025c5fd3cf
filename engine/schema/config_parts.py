"""What configs of several kinds share: words, checks, and how float weights are trained."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from engine.schema.cost import Budget
from engine.schema.errors import InvalidConfig

Device = Literal["auto", "cpu", "cuda"]
Preset = Literal["smoke", "balanced", "thorough", "paper", "custom"]

# Read by the codec: a word it does not know is an error, not a default silently kept.
STRICT = {"extra": "forbid"}


def require(condition: bool, field_name: str, message: str) -> None:
    """Refuse a config where a condition does not hold.

    Raises:
        InvalidConfig: names the field.
    """
    if not condition:
        raise InvalidConfig(field_name, message)


def check_budgets(budgets: tuple[Budget, ...]) -> None:
    """Refuse budgets that are none, not positive, or two of one metric."""
    require(bool(budgets), "budgets", "at least one is required")
    metrics = [budget.metric for budget in budgets]
    require(len(set(metrics)) == len(metrics), "budgets", "each metric may stand once")
    for budget in budgets:
        require(
            budget.limit > 0, "budgets", f"{budget.metric} must be above 0, got {budget.limit:g}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRecipe:
    """How float weights are trained: SGD with Nesterov momentum on a one-cycle schedule."""

    __pydantic_config__: ClassVar[dict[str, str]] = STRICT

    epochs: int = 6
    batch_size: int = 128
    learning_rate: float = 0.2  # peak
    weight_decay: float = 4e-5
    label_smoothing: float = 0.1

    def __post_init__(self) -> None:
        require(self.epochs >= 1, "recipe.epochs", f"must be at least 1, got {self.epochs}")
        require(
            self.batch_size >= 2, "recipe.batch_size", f"must be at least 2, got {self.batch_size}"
        )
        require(
            self.learning_rate > 0,
            "recipe.learning_rate",
            f"must be above 0, got {self.learning_rate:g}",
        )
        require(
            self.weight_decay >= 0,
            "recipe.weight_decay",
            f"must not be negative, got {self.weight_decay:g}",
        )
        require(
            0 <= self.label_smoothing < 1,
            "recipe.label_smoothing",
            f"is a share and must lie in 0 .. 1, below 1, got {self.label_smoothing:g}",
        )
