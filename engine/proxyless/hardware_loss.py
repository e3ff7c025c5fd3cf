"""What a network's cost on the target adds to the loss of its architecture parameters.

Costs come as shares of the budgets, E / R: the expected cost under the probabilities over the
limit. Sources: Cai et al. 2019, section 3.3 (add_linear), their released code (mul_log), and dual
ascent on the budget as a constraint.
"""

import math
from collections.abc import Sequence
from typing import Protocol

from torch import Tensor

from engine.schema.cost import Budget
from engine.schema.errors import InvalidConfig
from engine.schema.search_config import HardwareLoss, SearchConfig

_MUL_LOG_STRENGTH, _MUL_LOG_POWER = 0.2, 0.3
_ADD_LINEAR_STRENGTH = 0.1
_HINGE_STRENGTH = 1.0
_REWARD_POWER = 0.1  # of R / v in the reward of mul_log: `rl_tradeoff_ratio` of the released code
_DUAL_STEP = 0.02
_DUAL_DAMPING = 1.0  # nats for a breach of a whole budget, squared and halved
_DUAL_REACH = 0.25  # a breach beyond this share of the budget counts as this much


class HardwareTerm(Protocol):
    """One way to weigh costs against the task."""

    def loss(self, cross_entropy: Tensor, shares: Sequence[Tensor]) -> Tensor:
        """Return the loss of an architecture step; `shares` are E / R by budget; all shape ()."""
        ...

    def reward(self, accuracy: float, shares: Sequence[float], expected: Sequence[float]) -> float:
        """Return what REINFORCE gives an architecture of this accuracy, 0-1, and these costs.

        `expected` are the shares that architectures take on average.
        """
        ...

    def observe(self, shares: Sequence[float]) -> None:
        """Learn from where the expected costs are after a step."""
        ...

    @property
    def multipliers(self) -> tuple[float, ...]:
        """What each budget's breach weighs; none where that is fixed."""
        ...


class _Fixed:
    """A term that does not change over a search."""

    def observe(self, shares: Sequence[float]) -> None:
        """Nothing is learnt."""

    @property
    def multipliers(self) -> tuple[float, ...]:
        """There are none."""
        return ()


class NoTerm(_Fixed):
    """The task alone."""

    def loss(self, cross_entropy: Tensor, _shares: Sequence[Tensor]) -> Tensor:
        """Return the cross-entropy."""
        return cross_entropy

    def reward(
        self, accuracy: float, _shares: Sequence[float], _expected: Sequence[float]
    ) -> float:
        """Return the accuracy."""
        return accuracy


class MulLog(_Fixed):
    """alpha CE (log E / log R)^beta; the reward is accuracy (R / v)^w, w of MnasNet's form.

    Logarithms are natural and depend on the unit, so R must lie above e in the metric's unit.
    """

    def __init__(self, limits: Sequence[float], strength: float | None = None) -> None:
        self._logs = [math.log(limit) for limit in limits]
        self._strength = _MUL_LOG_STRENGTH if strength is None else strength

    def loss(self, cross_entropy: Tensor, shares: Sequence[Tensor]) -> Tensor:
        """Return the cross-entropy scaled by every budget's term."""
        loss = self._strength * cross_entropy
        for share, log_limit in zip(shares, self._logs, strict=True):
            # log E, at least a thousandth so that the power's derivative is finite
            log_cost = (share.log() + log_limit).clamp(min=1e-3)
            loss = loss * (log_cost / log_limit) ** _MUL_LOG_POWER
        return loss

    def reward(self, accuracy: float, shares: Sequence[float], _expected: Sequence[float]) -> float:
        """Return the accuracy scaled by every budget's term."""
        return accuracy * math.prod(math.pow(share, -_REWARD_POWER) for share in shares)


class AddLinear(_Fixed):
    """CE + lambda (E - R) / R, and the same below accuracy in the reward."""

    def __init__(self, strength: float | None = None) -> None:
        self._strength = _ADD_LINEAR_STRENGTH if strength is None else strength

    def loss(self, cross_entropy: Tensor, shares: Sequence[Tensor]) -> Tensor:
        """Return the cross-entropy plus every budget's term."""
        return cross_entropy + sum(self._strength * (share - 1) for share in shares)

    def reward(self, accuracy: float, shares: Sequence[float], _expected: Sequence[float]) -> float:
        """Return the accuracy less every budget's term."""
        return accuracy - sum(self._strength * (share - 1) for share in shares)


class Hinge(_Fixed):
    """CE + lambda max(0, (E - R) / R): nothing is gained below the budget."""

    def __init__(self, strength: float | None = None) -> None:
        self._strength = _HINGE_STRENGTH if strength is None else strength

    def loss(self, cross_entropy: Tensor, shares: Sequence[Tensor]) -> Tensor:
        """Return the cross-entropy plus every overdrawn budget's term."""
        return cross_entropy + sum(self._strength * (share - 1).clamp(min=0) for share in shares)

    def reward(self, accuracy: float, shares: Sequence[float], _expected: Sequence[float]) -> float:
        """Return the accuracy less every overdrawn budget's term."""
        return accuracy - sum(self._strength * max(0.0, share - 1) for share in shares)


class Dual:
    """CE + w (E - R) / R, its weight w learnt: dual ascent, damped.

    With the breach g = (E - R) / R, lambda <- max(0, lambda + eta g) after every step, and
    w = max(0, lambda + rho g) as in the augmented Lagrangian (Hestenes 1969). Without rho lambda
    swings far past the budget and back; so does it if it grows by all of a large breach at the
    start of a search, which is why g is cut off above.
    """

    def __init__(self, budgets: int, step: float | None = None) -> None:
        self._step = _DUAL_STEP if step is None else step
        self._multipliers = [0.0] * budgets

    def loss(self, cross_entropy: Tensor, shares: Sequence[Tensor]) -> Tensor:
        """Return the cross-entropy plus every budget's term."""
        weighted = [
            _weight(multiplier, share.item() - 1) * (share - 1)
            for multiplier, share in zip(self._multipliers, shares, strict=True)
        ]
        return cross_entropy + sum(weighted)

    def reward(self, accuracy: float, shares: Sequence[float], expected: Sequence[float]) -> float:
        """Return the accuracy less every budget's term.

        All architectures of an update are weighed alike, by the breach of the expected cost: the
        budget is a constraint on that, and a weight of each one's own would reward none for
        being far below.
        """
        return accuracy - sum(
            _weight(multiplier, mean - 1) * (share - 1)
            for multiplier, share, mean in zip(self._multipliers, shares, expected, strict=True)
        )

    def observe(self, shares: Sequence[float]) -> None:
        """Take a step of dual ascent."""
        self._multipliers = [
            max(0.0, multiplier + self._step * min(share - 1, _DUAL_REACH))
            for multiplier, share in zip(self._multipliers, shares, strict=True)
        ]

    @property
    def multipliers(self) -> tuple[float, ...]:
        """lambda of each budget."""
        return tuple(self._multipliers)

    @multipliers.setter
    def multipliers(self, values: Sequence[float]) -> None:
        self._multipliers = list(values)


def hardware_term(config: SearchConfig) -> HardwareTerm:
    """Return the term that a config asks for.

    Raises:
        InvalidConfig: mul_log with a budget whose logarithm is not above one.
    """
    strength = config.hardware_strength
    by_name: dict[HardwareLoss, HardwareTerm] = {
        "none": NoTerm(),
        "add_linear": AddLinear(strength),
        "hinge": Hinge(strength),
        "dual": Dual(len(config.budgets), strength),
    }
    if config.hardware_loss == "mul_log":
        return MulLog([_beyond_e(budget) for budget in config.budgets], strength)
    return by_name[config.hardware_loss]


def _weight(multiplier: float, breach: float) -> float:
    return max(0.0, multiplier + _DUAL_DAMPING * min(breach, _DUAL_REACH))


def _beyond_e(budget: Budget) -> float:
    if budget.limit <= math.e:
        raise InvalidConfig(
            "hardware_loss",
            f"mul_log needs a budget above {math.e:.2f} in its unit, {budget.metric} is "
            f"{budget.limit:g}; choose dual or add_linear",
        )
    return budget.limit
