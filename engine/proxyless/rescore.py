"""The end of a search: networks that may be delivered are scored anew, and the best is taken.

The likeliest network is seldom the best one. Beside it stand what the argmax was in the last part
of the search and some networks drawn near it, all within the budgets and using them well.
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence

from engine.proxyless.priced_space import Choices, PricedSpace
from engine.proxyless.projection import (
    LEAST_USE,
    Probabilities,
    projected,
    refilled,
    sampled,
    uses_well,
)
from engine.proxyless.record import RunState
from engine.proxyless.scoring import Judge
from engine.schema.errors import Diverged
from engine.schema.events import ArchitectureScored, CheckpointSaved, Event
from engine.training.interrupt import Interrupt, Stopped
from engine.training.plan import Plan
from engine.training.seed import numpy_generator

_SAVE_EVERY_S = 2.0
_ARCHIVED = 0.25  # of the candidates, at most, were the argmax once
_HURRIED = 3  # candidates when the search was asked to finish


def candidates(
    priced: PricedSpace,
    probabilities: Probabilities,
    visited: Sequence[Choices],
    *,
    count: int,
    seed: int,
) -> list[tuple[str, Choices]]:
    """Return up to `count` networks to score, each with where it comes from.

    All meet the budgets. Where some use a budget to nine tenths, all do; else the likeliest
    network is joined by whatever fits.
    """
    found: dict[Choices, str] = {}
    refill = refilled(priced, probabilities)
    projection = projected(priced, probabilities)
    if refill is None or uses_well(priced, projection):
        found[projection] = "projection"
    if refill is not None:
        found.setdefault(refill, "refill")
    least = 0.0 if refill is None else LEAST_USE
    archived = [
        choices
        for choices in visited
        if priced.meets(choices) and max(priced.uses(choices)) >= least
    ]
    for choices in archived[: round(_ARCHIVED * count)]:
        found.setdefault(choices, "archive")
    rng = numpy_generator(seed, "rescored")
    for choices in sampled(priced, probabilities, count, rng):
        if max(priced.uses(choices)) >= least:
            found.setdefault(choices, "sample")
    return [(origin, choices) for choices, origin in found.items()][:count]


def rescore(
    listed: Sequence[tuple[str, Choices]],
    *,
    priced: PricedSpace,
    judge: Judge,
    state: RunState,
    save_state: Callable[[], None],
    joint_batches: int,
    rescored: int,
    plan: Plan,
    interrupt: Interrupt,
) -> Iterator[Event]:
    """Score what is left of the list.

    Raises:
        Stopped: on request, after the checkpoint was written.
        Diverged: no network has a finite loss.
    """
    total = min(len(listed), _HURRIED) if state.is_hurried else len(listed)
    saved_at = time.monotonic()
    for index, (origin, choices) in enumerate(listed[:total], start=1):
        known = state.scores.get(choices)
        if known is not None and known.is_candidate:
            continue
        best = state.best()
        scored = state.take(choices, origin, judge.score(choices), is_candidate=True)
        yield ArchitectureScored(
            index=index,
            total=total,
            origin=origin,
            choices=choices,
            accuracy=scored.accuracy,
            loss=scored.loss,
            costs=priced.values(choices),
            is_best=best is None or scored.loss < state.scores[best].loss,
        )
        yield plan.progress(
            "searching",
            joint_batches + index * rescored // total,
            joint_batches + rescored,
            "steps",
        )
        if interrupt.stops or time.monotonic() - saved_at > _SAVE_EVERY_S:
            save_state()
            saved_at = time.monotonic()
        if interrupt.stops:
            raise Stopped
        if interrupt.finishes:
            state.is_hurried = True
            break
    save_state()
    best = state.best()
    if best is None or not math.isfinite(state.scores[best].loss):
        raise Diverged(joint_batches, "the loss of every candidate")
    yield CheckpointSaved(stage="searching", step=joint_batches + rescored)
