"""Half precision: what is refused, and what learns alike."""

import pytest
import torch

from engine.schema.config_parts import TrainingRecipe
from engine.schema.errors import InvalidConfig
from engine.training.precision import Mixed
from engine.training.train import Trainer
from tests.engine.toys import make_toy_images, make_toy_network

CPU = torch.device("cpu")


def test_fp16_needs_a_gpu() -> None:
    with pytest.raises(InvalidConfig, match="precision: fp16 needs a GPU"):
        Mixed("fp16", CPU)


def test_layers_compute_in_bf16_where_it_is_asked_for() -> None:
    layer = torch.nn.Conv2d(1, 2, 3)

    with Mixed("bf16", CPU).autocast():
        half = layer(torch.randn(1, 1, 8, 8))
    with Mixed("fp32", CPU).autocast():
        full = layer(torch.randn(1, 1, 8, 8))

    assert (half.dtype, full.dtype) == (torch.bfloat16, torch.float32)
    assert layer.weight.dtype == torch.float32


def test_a_trainer_learns_in_bf16() -> None:
    trainer = Trainer(
        make_toy_network(),
        make_toy_images(64),
        recipe=TrainingRecipe(epochs=3, batch_size=16),
        seed=0,
        device=CPU,
        precision="bf16",
    )
    losses = [step.finished_epoch.loss for step in trainer.steps() if step.finished_epoch]

    assert losses[-1] < losses[0]
