"""What a policy is worth: measured once, on the same images, against the float network."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from engine.haq.environment import Score, bits_of
from engine.schema.errors import Diverged
from engine.schema.policy import LayerBits, Policy
from tests.engine.haq.toy_search import ToySearch
from tests.engine.quantized_networks import images


@pytest.fixture
def toy() -> ToySearch:
    return ToySearch()


def every(toy: ToySearch, bits: int) -> Policy:
    return Policy(
        layers=dict.fromkeys(toy.layers, LayerBits(weight_bits=bits, activation_bits=bits)),
        model_hash=toy.spec.model_hash,
    )


def test_a_policy_is_evaluated_once(toy: ToySearch) -> None:
    environment = toy.environment
    before = toy.calls.count

    first = environment.score(every(toy, 3))
    assert toy.calls.count == before + 1  # 64 images are one batch
    again = environment.score(every(toy, 3))
    environment.score(every(toy, 4))

    assert toy.calls.count == before + 2
    assert again == first
    assert list(environment.scores) == [bits_of(every(toy, 3)), bits_of(every(toy, 4))]


def test_a_score_is_that_of_the_quantised_network(toy: ToySearch) -> None:
    score = toy.environment.score(every(toy, 3))

    with torch.no_grad():
        logits_NK = toy.environment.network_at(every(toy, 3))(images(64))
    assert score.loss == pytest.approx(float(functional.cross_entropy(logits_NK, toy.labels_N)))
    hits = int((logits_NK.argmax(dim=1) == toy.labels_N).sum())
    assert score.accuracy == hits / 64


def test_the_float_network_is_scored_on_the_same_images(toy: ToySearch) -> None:
    assert toy.environment.float_score.accuracy == 56 / 64  # every eighth label was turned
    assert toy.environment.images == 64


def test_the_reward_is_a_tenth_of_the_accuracy_gained_in_percent(toy: ToySearch) -> None:
    environment = toy.environment

    reward = environment.reward(Score(accuracy=56 / 64 - 0.05, loss=1.0))

    assert reward == pytest.approx(-0.5)
    assert environment.reward(environment.float_score) == 0.0


def test_scores_do_not_hang_on_what_was_scored_before(toy: ToySearch) -> None:
    one, other = toy.new_environment(), toy.new_environment()
    for bits in (2, 5, 8):
        one.score(every(toy, bits))

    for bits in (8, 2, 5):
        assert other.score(every(toy, bits)) == one.score(every(toy, bits))


def test_remembered_scores_are_not_measured_again(toy: ToySearch) -> None:
    environment = toy.environment
    known = {bits_of(every(toy, 2)): Score(accuracy=0.25, loss=9.0)}
    environment.remember(known)
    before = toy.calls.count

    assert environment.knows(every(toy, 2))
    assert not environment.knows(every(toy, 3))
    assert environment.score(every(toy, 2)).loss == 9.0
    assert toy.calls.count == before


def test_widths_stand_for_a_policy_of_this_network(toy: ToySearch) -> None:
    policy = every(toy, 6)

    assert toy.environment.policy(bits_of(policy)) == policy


def test_the_network_in_float_is_float_again(toy: ToySearch) -> None:
    with torch.no_grad():
        wanted = toy.environment.network_at(None)(images())
        quantised = toy.environment.network_at(every(toy, 2))(images())

        assert not torch.equal(quantised, wanted)
        assert torch.equal(toy.environment.network_at(None)(images()), wanted)


def test_a_loss_out_of_range_is_told(toy: ToySearch) -> None:
    environment = toy.environment
    inner = toy.layers["classifier"].inner
    assert inner.bias is not None
    nn.init.constant_(inner.bias, torch.nan)

    with pytest.raises(Diverged, match="quantised network's loss"):
        environment.score(every(toy, 2))
