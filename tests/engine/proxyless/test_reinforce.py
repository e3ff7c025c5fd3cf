"""The policy gradient against its definition."""

import pytest
import torch

from engine.proxyless.reinforce import Baseline, policy_loss


def test_the_gradient_is_the_mean_of_advantage_times_score() -> None:
    alphas_P = torch.tensor([0.3, -0.2, 0.1], requires_grad=True)
    drawn, rewards, baseline = [0, 2, 2, 1], [0.6, 0.9, 0.8, 0.1], 0.5

    log_probabilities_M = torch.stack([torch.log_softmax(alphas_P, 0)[k] for k in drawn])
    policy_loss(log_probabilities_M, rewards, baseline).backward()

    p = torch.softmax(alphas_P.detach(), 0)
    expected = [0.0, 0.0, 0.0]
    for k, reward in zip(drawn, rewards, strict=True):
        for i in range(3):
            score = (1.0 if i == k else 0.0) - p[i].item()  # d log p_k / d alpha_i
            expected[i] -= (reward - baseline) * score / len(drawn)
    assert alphas_P.grad is not None
    assert alphas_P.grad.tolist() == pytest.approx(expected, abs=1e-6)


def test_the_baseline_steps_on_the_new_value_before_it_is_used() -> None:
    baseline = Baseline()

    assert baseline.moved([0.2, 0.4]) == pytest.approx(0.3)
    assert baseline.moved([1.0, 1.0]) == pytest.approx(0.3 + 0.99 * 0.7)
