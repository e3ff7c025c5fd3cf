"""Two networks held against each other, image by image."""

import pytest
import torch

from engine.haq.comparison import paired
from engine.training.evaluate import Outcomes


def outcomes(losses: list[float], right: list[bool]) -> Outcomes:
    return Outcomes(losses_N=torch.tensor(losses), right_N=torch.tensor(right))


def test_a_difference_is_the_first_less_the_second() -> None:
    first = outcomes([0.1, 0.4, 0.7], [True, True, False])
    second = outcomes([0.3, 0.5, 0.7], [True, False, False])

    difference = paired(first, second, split="report", is_tuned=True)

    assert (difference.split, difference.is_tuned, difference.images) == ("report", True, 3)
    assert difference.loss.mean == pytest.approx(-0.1)
    # By hand: differences -0.2, -0.1, 0 have the deviation 0.1.
    assert difference.loss.high - difference.loss.mean == pytest.approx(1.96 * 0.1 / 3**0.5)
    assert difference.accuracy.mean == pytest.approx(1 / 3)
    # Bonett and Price: one won, none lost, so shares 2/5 and 1/5.
    reach = 1.96 * ((0.6 - 0.04) / 5) ** 0.5
    assert difference.accuracy.low == pytest.approx(0.2 - reach)
    assert difference.accuracy.high == pytest.approx(0.2 + reach)


def test_what_both_find_hard_cancels_out() -> None:
    draw = torch.Generator().manual_seed(0)
    hard_N = 3 * torch.rand(400, generator=draw)
    first = Outcomes(losses_N=hard_N, right_N=hard_N < 1)
    second = Outcomes(losses_N=hard_N + 0.01, right_N=hard_N < 1)

    difference = paired(first, second, split="search", is_tuned=False)

    assert difference.loss.high < 0  # while the losses themselves scatter by 0.87
    assert difference.loss.high - difference.loss.low < 1e-3
    assert difference.accuracy.mean == 0
    assert difference.accuracy.low < 0 < difference.accuracy.high


@pytest.mark.parametrize(("images", "differing"), [(200, 0.03), (500, 0.1)])
def test_95_of_100_intervals_hold_the_true_difference(images: int, differing: float) -> None:
    draw = torch.Generator().manual_seed(images)
    # The first is right and the second wrong twice as often as the other way round.
    truth = differing / 3
    held = {"loss": 0, "accuracy": 0}
    trials = 1000
    for _ in range(trials):
        share_N = torch.rand(images, generator=draw)
        first_N, second_N = (
            share_N > differing / 3,
            (share_N < differing / 3) | (share_N > differing),
        )
        losses = [right_N.float().neg() for right_N in (first_N, second_N)]
        difference = paired(
            Outcomes(losses_N=losses[0], right_N=first_N),
            Outcomes(losses_N=losses[1], right_N=second_N),
            split="report",
            is_tuned=False,
        )
        held["loss"] += difference.loss.low <= -truth <= difference.loss.high
        held["accuracy"] += difference.accuracy.low <= truth <= difference.accuracy.high

    assert held["accuracy"] / trials == pytest.approx(0.95, abs=0.025)
    # Six differing images of 200 are too few for a normal mean; at fifty it holds.
    assert held["loss"] / trials > (0.88 if images == 200 else 0.93)
