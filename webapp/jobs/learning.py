"""Whether the agent's learning paid: its policy against every other strategy's, with intervals."""

from dataclasses import dataclass

from engine.schema.results import Comparison, Interval, PairedDifference, QuantizeResult
from webapp.charts.quantities import NARROW_SPACE, duration, points

_MINUS = "\u2212"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rival:
    """One strategy that the agent is held against."""

    label: str
    loss: str  # the agent's less the rival's, nats
    accuracy: str  # points
    images: str
    policies: str
    seconds: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Learning:
    """What the agent's learning came to."""

    verdict: str
    rivals: tuple[Rival, ...]


def learning(result: QuantizeResult) -> Learning | None:
    """Return how the agent fared; None where it was held against nothing."""
    own = [each for each in result.comparisons if each.first == "agent"]
    against_solver = next((each for each in own if each.second == "solver"), None)
    if against_solver is None:
        return None
    return Learning(
        verdict=_verdict(against_solver),
        rivals=tuple(_rival(each, result) for each in own),
    )


def settling(comparison: Comparison) -> PairedDifference | None:
    """Return the difference that settles it: as delivered where measured, on report images."""
    return comparison.differences[-1] if comparison.differences else None


def _verdict(comparison: Comparison) -> str:
    effort = (
        f"It scored {_policies(comparison.first_evaluations)} in "
        f"{duration(comparison.first_seconds)}, the solver "
        f"{_policies(comparison.second_evaluations)} in {duration(comparison.second_seconds)}."
    )
    difference = settling(comparison)
    if comparison.same_policy or difference is None:
        return f"Learning changed nothing: the agent found the solver’s own policy. {effort}"
    lost = difference.loss
    images = f"{difference.images:,} {difference.split} images"
    when = "after fine-tuning" if difference.is_tuned else "before fine-tuning"
    span = (
        f"95{NARROW_SPACE}% interval of the difference {_signed(lost.low)} to {_signed(lost.high)}"
    )
    side = "less" if lost.mean < 0 else "more"
    accuracy = f"its accuracy stands {_accuracy(difference.accuracy)} from the other’s"
    by = f"{abs(lost.mean):.3f} nats {side}"
    if lost.low <= 0 <= lost.high:
        return (
            f"Learning is not told from solving: on {images}, {when}, the agent’s policy loses "
            f"{by} than the solver’s, which may be chance ({span}); {accuracy}. {effort}"
        )
    verb = "beats" if lost.mean < 0 else "falls behind"
    return (
        f"The agent’s policy {verb} the solver’s: on {images}, {when}, it loses {by} ({span}); "
        f"{accuracy}. {effort}"
    )


def _accuracy(interval: Interval) -> str:
    return f"{points(interval.mean)} points ({points(interval.low)} to {points(interval.high)})"


def _rival(comparison: Comparison, result: QuantizeResult) -> Rival:
    difference = settling(comparison)
    label = next(row.label for row in result.contenders if row.id == comparison.second)
    effort = {
        "label": label,
        "policies": f"{comparison.second_evaluations:,}",
        "seconds": duration(comparison.second_seconds),
    }
    if comparison.same_policy or difference is None:
        return Rival(loss="same policy", accuracy="same policy", images="–", **effort)
    lost, right = difference.loss, difference.accuracy
    when = "tuned" if difference.is_tuned else "not tuned"
    return Rival(
        loss=f"{_signed(lost.mean)} ({_signed(lost.low)} to {_signed(lost.high)})",
        accuracy=f"{points(right.mean)} ({points(right.low)} to {points(right.high)})",
        images=f"{difference.images:,} {difference.split}, {when}",
        **effort,
    )


def _policies(count: int) -> str:
    return f"{count:,} polic{'y' if count == 1 else 'ies'}"


def _signed(nats: float) -> str:
    return f"{nats:+.3f}".replace("-", _MINUS)
