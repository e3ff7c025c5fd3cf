"""Steps of both algorithms on the supernet of the tiny space."""

import copy
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from engine.data.image_set import ImageSet
from engine.proxyless.algorithms import architecture_learner
from engine.proxyless.architecture_learner import ArchitectureLearner
from engine.proxyless.hardware_loss import hardware_term
from engine.proxyless.shared_weights import SharedMBConv
from engine.proxyless.supernet import SuperNet
from engine.schema.errors import Diverged
from engine.schema.search_config import Precision, SearchEffort
from tests.engine.proxyless.planted import CPU, KERNEL, pairs

EFFORT = SearchEffort(
    train_images=64,
    search_images=40,  # two whole batches and a rest
    batch_size=16,
    policy_samples=3,
    policy_images=16,
    architecture_learning_rate=0.5,
)


def learner_of(**changes: Any) -> tuple[SuperNet, ArchitectureLearner]:
    """Return the supernet of a planted task, and what learns its architecture."""
    config = replace(KERNEL.config(KERNEL.budget), effort=EFFORT, **changes)
    supernet = SuperNet(KERNEL.space, generator=torch.Generator().manual_seed(0), alpha_scale=0.5)
    learner = architecture_learner(
        supernet,
        pairs(40, distance=KERNEL.distance, seed=1),
        config=config,
        priced=KERNEL.priced(KERNEL.budget),
        term=hardware_term(config),
        device=CPU,
    )
    return supernet, learner


def parameters_of(supernet: SuperNet) -> list[Tensor]:
    return [each.detach().clone() for each in supernet.architecture_parameters()]


ALGORITHMS = pytest.mark.parametrize("algorithm", ["gradient", "reinforce"])


@ALGORITHMS
def test_steps_go_on_from_a_saved_state_bit_for_bit(algorithm: str) -> None:
    supernet, learner = learner_of(algorithm=algorithm)
    for number in range(3):
        learner.step(number)
    kept_supernet, kept_learner = copy.deepcopy((supernet.state_dict(), learner.state()))
    stats = [learner.step(number) for number in range(3, 6)]

    again, fresh = learner_of(algorithm=algorithm)
    again.load_state_dict(kept_supernet)
    fresh.restore(kept_learner)

    assert [fresh.step(number) for number in range(3, 6)] == stats
    assert all(map(torch.equal, parameters_of(again), parameters_of(supernet)))


def test_every_pass_over_the_search_images_takes_whole_batches_in_an_order_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[Tensor] = []
    normalised = ImageSet.batches

    def watched(self: ImageSet, *args: Any, **kwargs: Any) -> Any:
        for images_NCHW, labels_N in normalised(self, *args, **kwargs):
            seen.append(images_NCHW)
            yield images_NCHW, labels_N

    monkeypatch.setattr(ImageSet, "batches", watched)
    _, learner = learner_of()
    for number in range(4):
        learner.step(number)

    assert [len(images_NCHW) for images_NCHW in seen] == [16] * 4
    assert not any(torch.equal(seen[0], other) for other in seen[1:])


@ALGORITHMS
def test_what_would_spoil_the_probabilities_stops_before_the_step(algorithm: str) -> None:
    """A path that is not active can overflow while the loss, of the active one, is finite."""
    supernet, learner = learner_of(algorithm=algorithm, gate_mode="full_v2")
    for candidate in supernet.mixed_ops[1].candidates:
        if isinstance(candidate, SharedMBConv):
            torch.nn.init.constant_(candidate.project_norm.weight, float("inf"))
    supernet.mixed_ops[1].alphas.data = torch.tensor([0.0, 0.0, 20.0])  # Zero is active
    if algorithm == "reinforce":
        supernet.mixed_ops[1].alphas.data = torch.zeros(3)
    before = parameters_of(supernet)

    with pytest.raises(Diverged, match="not finite"):
        learner.step(0)

    assert all(map(torch.equal, parameters_of(supernet), before))


@pytest.mark.parametrize("mode", ["two", "full_v2"])
@pytest.mark.parametrize(("precision", "error"), [("bf16", 0.3), ("fp16", 0.03)])
def test_half_precision_gives_nearly_the_same_gradients(
    monkeypatch: pytest.MonkeyPatch, precision: Precision, error: float, mode: str
) -> None:
    monkeypatch.setattr("engine.training.precision.FP16_DEVICES", ("cuda", "cpu"))
    gradients = []
    for kind in ("fp32", precision):
        supernet, learner = learner_of(precision=kind, gate_mode=mode, hardware_loss="none")
        learner.step(0)
        gradients.append(
            torch.cat([_gradient(alphas_P) for alphas_P in supernet.architecture_parameters()])
        )

    full_O, half_O = gradients
    assert half_O.dtype == torch.float32
    assert not torch.equal(full_O, half_O)
    assert (half_O - full_O).norm() < error * full_O.norm()


def test_a_policy_step_draws_its_networks_in_half_precision_too() -> None:
    _, learner = learner_of(algorithm="reinforce", precision="bf16")

    stats = learner.step(0)

    assert stats.loss == pytest.approx(0.7, abs=0.3)
    assert stats.reward is not None


def _gradient(alphas_P: Tensor) -> Tensor:
    assert alphas_P.grad is not None
    return alphas_P.grad
