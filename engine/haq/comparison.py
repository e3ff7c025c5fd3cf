"""The agent's policy against every other strategy's, paired over the images.

An image that is hard is hard for both, so the difference of two policies on one image scatters
far less than either's loss over the images. Intervals are of 95 %: for losses those of a normal
mean, for accuracies the adjusted ones of Bonett and Price 2012, which do not shrink to nothing
where two networks happen to answer alike on all images at hand.
"""

from collections.abc import Iterator, Sequence
from math import sqrt

from engine.haq.contenders import Entry
from engine.haq.environment import QuantizationEnvironment
from engine.haq.measurements import Measuring
from engine.haq.record import STRATEGIES, RunState
from engine.schema.policy import Policy
from engine.schema.results import Comparison, Interval, PairedDifference, Split
from engine.training.evaluate import Outcomes

_Z = 1.96  # of a normal distribution, 95 in 100 lie within so many standard deviations
_AGENT = "agent"


def comparisons(
    rows: Sequence[Entry],
    *,
    measuring: Measuring,
    environment: QuantizationEnvironment,
    state: RunState,
) -> Iterator[Comparison]:
    """Hold the agent's policy against each other strategy's; nothing, if the agent did not run."""
    found = {row.id: row.policy for row in rows if row.id in STRATEGIES and row.policy is not None}
    if _AGENT not in found:
        return
    own = found.pop(_AGENT)
    agent = state.record("agent")
    for other in STRATEGIES:
        if other not in found:
            continue
        rival = state.record(other)
        yield Comparison(
            first=_AGENT,
            second=other,
            same_policy=own == found[other],
            differences=()
            if own == found[other]
            else tuple(_differences(own, found[other], measuring, environment)),
            first_evaluations=agent.steps,
            second_evaluations=rival.steps,
            first_seconds=agent.seconds,
            second_seconds=rival.seconds,
        )


def paired(first: Outcomes, second: Outcomes, *, split: Split, is_tuned: bool) -> PairedDifference:
    """Return by how much two networks differ on the same images, the first less the second."""
    images = len(first.right_N)
    by_image_N = (first.losses_N - second.losses_N).double()
    mean = float(by_image_N.mean())
    reach = _Z * float(by_image_N.std()) / sqrt(images) if images > 1 else 0.0
    won = int((first.right_N & ~second.right_N).sum())
    lost = int((second.right_N & ~first.right_N).sum())
    return PairedDifference(
        split=split,
        images=images,
        is_tuned=is_tuned,
        loss=Interval(mean=mean, low=mean - reach, high=mean + reach),
        accuracy=_of_shares(won, lost, images),
    )


def _differences(
    own: Policy, other: Policy, measuring: Measuring, environment: QuantizationEnvironment
) -> Iterator[PairedDifference]:
    """Compare on the images that picked the policies, then on images that nothing has seen."""
    yield paired(
        environment.outcomes(own), environment.outcomes(other), split="search", is_tuned=False
    )
    for is_tuned in (False, True):
        if is_tuned and not (measuring.is_tuned(own) and measuring.is_tuned(other)):
            return
        first, second = (
            measuring.outcomes(policy, "report", is_tuned=is_tuned) for policy in (own, other)
        )
        yield paired(first, second, split="report", is_tuned=is_tuned)


def _of_shares(won: int, lost: int, images: int) -> Interval:
    """Return the difference of two shares of the same images: Bonett and Price 2012."""
    more, less = (won + 1) / (images + 2), (lost + 1) / (images + 2)
    centre = more - less
    reach = _Z * sqrt((more + less - centre**2) / (images + 2))
    return Interval(mean=(won - lost) / images, low=centre - reach, high=centre + reach)
