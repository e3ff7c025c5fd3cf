"""What the reader of a search's result must know to read its numbers right."""

from collections.abc import Iterator, Sequence

from engine.proxyless.finalists import FOUND, MOBILENET_V2, Finalist
from engine.proxyless.projection import LEAST_USE, uses_well
from engine.proxyless.subject import Subject
from engine.schema.results import TrainedNetwork
from engine.schema.search_config import SearchConfig


def notes(
    config: SearchConfig,
    subject: Subject,
    contenders: Sequence[TrainedNetwork],
    *,
    rows: Sequence[Finalist],
    ended_early: str,
) -> Iterator[str]:
    """Yield the sentences, the most important ones first.

    `rows` are the networks that were to be trained, `contenders` those that were.
    """
    yield from _verdicts(contenders)
    report = contenders[0].report_accuracy
    assert report is not None
    yield (
        f"Accuracies are of {report.images:,} report images that no step of the search has seen. "
        "Two of them that differ by less than about "
        f"{200 * 2**0.5 * report.standard_error:.1f} points do not differ."
    )
    recipe, images = config.recipe, min(config.effort.final_images, len(subject.splits.train))
    yield (
        f"Every network was trained by the same recipe, {recipe.epochs} x {images:,} images. "
        "Training for longer lifts all of them and may change their order."
    )
    if config.starting_weights == "inherited":
        yield (
            "Networks of the space started from the supernet's weights, MobileNetV2 from scratch."
        )
    yield from subject.splits.notes
    if subject.priced.bits is not None:
        yield f"Costs are those at {subject.priced.bits.weight_bits} bit on {config.target}."
    found = contenders[0].choices
    if found is not None and not uses_well(subject.priced, found):
        yield f"No network of the space uses {LEAST_USE:.0%} of a budget; the found one uses less."
    if ended_early:
        yield ended_early
    if all(row.id != MOBILENET_V2 for row in rows):
        yield (
            "MobileNetV2 is not among the baselines: the images are too small for it, or "
            f"{config.target} has no price for its layers."
        )
    if len(contenders) < len(rows):
        yield (
            "The run was asked to finish, so not every baseline was trained: "
            f"{len(contenders) - 1} of {len(rows) - 1}."
        )


def _verdicts(contenders: Sequence[TrainedNetwork]) -> Iterator[str]:
    """Say how the found network stands beside its baselines, no more than the noise allows."""
    found = next(row for row in contenders if row.id == FOUND)
    randoms = [row for row in contenders if row.origin == "random"]
    noise = _noise(found, randoms)
    if randoms:
        others = f"the mean of {len(randoms)} random networks within the budget"
        yield _beside(found, randoms, noise * (1 + 1 / len(randoms)) ** 0.5, others)
    yardstick = [row for row in contenders if row.id == MOBILENET_V2]
    if yardstick:
        yield _beside(found, yardstick, noise * 2**0.5, yardstick[0].label)


def _beside(
    found: TrainedNetwork, rows: Sequence[TrainedNetwork], error: float, others: str
) -> str:
    gain, band = 100 * (_accuracy(found) - _mean(rows)), 200 * error
    if abs(gain) <= band:
        return (
            f"The found network is {gain:+.1f} points from {others}, within the noise of about "
            f"{band:.1f}: the search makes no difference that can be told."
        )
    return (
        f"The found network is {gain:+.1f} points from {others}, beyond the noise of about "
        f"{band:.1f}."
    )


def _noise(found: TrainedNetwork, randoms: Sequence[TrainedNetwork]) -> float:
    """Return how far one training's accuracy scatters, 0-1, as far as it can be seen here.

    That is the spread over random networks, which holds the draw of the network, of its weights
    and of the images; where there are too few, the last of these alone.
    """
    assert found.report_accuracy is not None
    error = found.report_accuracy.standard_error
    if len(randoms) < 2:
        return error
    mean = _mean(randoms)
    variance = sum((_accuracy(row) - mean) ** 2 for row in randoms) / (len(randoms) - 1)
    return float(max(error, variance**0.5))


def _mean(rows: Sequence[TrainedNetwork]) -> float:
    return sum(map(_accuracy, rows)) / len(rows)


def _accuracy(row: TrainedNetwork) -> float:
    assert row.report_accuracy is not None, "every delivered network is measured"
    return row.report_accuracy.value
