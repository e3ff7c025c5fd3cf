"""Accuracy and loss on images a network is not learning from."""

import pytest
import torch
from torch import nn

from engine.data.image_set import ImageSet
from engine.training.evaluate import evaluate, outcomes
from tests.engine.toys import CPU


def test_accuracy_and_loss_are_means_over_the_images() -> None:
    logits_NK = torch.tensor([[2.0, 0.0], [0.0, 1.0], [3.0, 0.0]])
    labels_N = torch.tensor([0, 1, 1])

    evaluation = evaluate(nn.Identity(), (logits_NK, labels_N), CPU)

    by_hand = sum(
        -torch.log_softmax(row, 0)[label] for row, label in zip(logits_NK, labels_N, strict=True)
    )
    assert evaluation.accuracy == pytest.approx(2 / 3)
    assert evaluation.loss == pytest.approx(float(by_hand) / 3)
    assert evaluation.images == 3


def test_batches_and_one_pair_give_the_same(toy_images: ImageSet, toy_network: nn.Module) -> None:
    by_pair = evaluate(toy_network, toy_images.first(66), CPU)
    by_batch = evaluate(toy_network, toy_images.batches(7), CPU)

    assert by_batch.accuracy == by_pair.accuracy
    assert by_batch.loss == pytest.approx(by_pair.loss, rel=1e-5)
    assert by_batch.images == 66


def test_outcomes_are_those_of_each_image(toy_images: ImageSet, toy_network: nn.Module) -> None:
    each = outcomes(toy_network, toy_images.batches(7), CPU)

    together = evaluate(toy_network, toy_images.first(66), CPU)
    assert each.evaluation.accuracy == together.accuracy
    assert each.evaluation.loss == pytest.approx(together.loss, rel=1e-5)
    for index in (0, 31, 65):
        images_NCHW, labels_N = toy_images.first(66)
        alone = evaluate(toy_network, (images_NCHW[index:][:1], labels_N[index:][:1]), CPU)
        assert float(each.losses_N[index]) == pytest.approx(alone.loss, rel=1e-4)
        assert bool(each.right_N[index]) == (alone.accuracy == 1.0)


def test_evaluating_neither_learns_nor_changes_the_mode(
    toy_images: ImageSet, toy_network: nn.Module
) -> None:
    toy_network[1].eval()
    before = {name: tensor.clone() for name, tensor in toy_network.state_dict().items()}

    first, second = (evaluate(toy_network, toy_images.first(66), CPU) for _ in range(2))

    assert first == second  # dropout is off
    assert toy_network.training
    assert not toy_network[1].training
    assert all(torch.equal(before[name], t) for name, t in toy_network.state_dict().items())


def test_no_images_is_a_bug_and_not_a_score() -> None:
    with pytest.raises(ValueError, match="at least one image"):
        evaluate(nn.Identity(), [], CPU)
