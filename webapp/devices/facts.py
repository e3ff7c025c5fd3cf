"""What a target can tell, in the words of pages."""

from collections.abc import Sequence

from engine.schema.cost import COUNTED_METRICS, Metric
from engine.schema.target import Target
from webapp.charts.quantities import QUANTITIES, write


def own_metrics(target: Target) -> tuple[Metric, ...]:
    """Return what the device itself adds to what is counted on every one."""
    return tuple(metric for metric in target.metrics if metric not in COUNTED_METRICS)


def metrics_text(target: Target) -> str:
    """Return what the device tells, in one phrase: "Latency, energy"."""
    titles = [QUANTITIES[metric].title for metric in own_metrics(target)]
    if not titles:
        return "Counts alone"
    return ", ".join([titles[0], *(title.lower() for title in titles[1:])])


def widths_text(widths: Sequence[int]) -> str:
    """Return widths in short: "1–8", "2, 4, 8" or "8"."""
    if len(widths) > 2 and list(widths) == list(range(widths[0], widths[-1] + 1)):
        return f"{widths[0]}–{widths[-1]}"
    return ", ".join(str(width) for width in widths)


def bits_text(target: Target) -> str:
    """Return the widths that a device gains from, weights and activations apart if they differ."""
    weights, activations = widths_text(target.weight_bits), widths_text(target.activation_bits)
    if weights == activations:
        return weights
    return f"weights {weights}, activations {activations}"


def limits_text(target: Target) -> tuple[str, ...]:
    """Return what the device holds at most, a phrase each."""
    return tuple(
        f"{QUANTITIES[metric].title.lower()} at most {write(metric, limit)}"
        for metric, limit in target.limits.items()
    )


def has_narrow_gains(target: Target) -> bool:
    """Whether fewer than 8 bits save latency or energy there."""
    return (
        bool(own_metrics(target)) and max(len(target.weight_bits), len(target.activation_bits)) > 1
    )
