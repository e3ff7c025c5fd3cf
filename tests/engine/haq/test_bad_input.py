"""What a run cannot do is said before any work, by the field that is wrong and how to mend it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from engine.catalog.targets import target_entry
from engine.nn.build import build_model
from engine.nn.weights import save_weights
from engine.schema.cost import Budget
from engine.schema.errors import (
    BudgetsContradict,
    EngineError,
    InvalidConfig,
    UnsupportedModel,
)
from engine.schema.events import EpisodeFinished, RunStarted
from engine.schema.layers import InputSpec
from engine.solver.widths import check_widths, widths_note
from tests.engine.tiny_run import events_of, tiny_config

GREY_32 = InputSpec(channels=1, size=32)


def refused(folder: Path, **changes: Any) -> EngineError:
    """Return the error that a run ends with before it has done anything."""
    told = []
    with pytest.raises(EngineError) as caught:
        told.extend(events_of(tiny_config(**changes), folder))
    assert [type(event) for event in told] == [RunStarted]
    return caught.value


def of_class(folder: Path, name: str, *, images: int, level: int) -> None:
    (folder / name).mkdir(parents=True)
    for number in range(images):
        pixels = np.full((32, 32), level + number % 20, dtype=np.uint8)
        Image.fromarray(pixels).save(folder / name / f"{number:03}.png")


def with_network(monkeypatch: pytest.MonkeyPatch, network: nn.Module) -> None:
    monkeypatch.setattr("engine.haq.subject.build_model", lambda *_, **__: network)


def test_a_model_without_layers_to_quantise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_network(monkeypatch, nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()))

    error = refused(tmp_path)

    assert isinstance(error, UnsupportedModel)
    assert "has no convolution and no linear layer" in str(error)


def test_a_model_whose_ends_are_all_it_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pooled = nn.Sequential(nn.Conv2d(1, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    with_network(monkeypatch, pooled.append(nn.Linear(4, 10)))

    error = refused(tmp_path)

    assert isinstance(error, InvalidConfig)
    assert error.field == "model"
    assert "2 quantisable layers" in str(error)
    assert "at least 3 are needed" in str(error)


def test_unsupported_layers_are_all_named(tmp_path: Path) -> None:
    error = refused(tmp_path, model="convnext_tiny", target="counted")

    assert isinstance(error, UnsupportedModel)
    assert len(error.obstacles) == 36
    assert "'features.1.0.block.3'" in str(error)
    assert "use a 1 x 1 convolution" in str(error)


@pytest.mark.parametrize("operand", ["weight_bits", "activation_bits"])
def test_bits_that_the_target_has_none_of(tmp_path: Path, operand: str) -> None:
    error = refused(tmp_path, target="bitfusion", **{operand: (3, 5)})

    assert isinstance(error, InvalidConfig)
    assert error.field == operand
    assert "bitfusion computes with 2, 4 or 8 bits" in str(error)
    assert "allow 2, 4 or 8 too" in str(error)


@pytest.mark.parametrize("bits", [(0, 2), (1,), (8, 16)])
def test_bits_that_no_target_has(bits: tuple[int, ...]) -> None:
    with pytest.raises(InvalidConfig, match=r"activation_bits: widths must lie in 2 \.\. 8"):
        tiny_config(activation_bits=bits)


def test_of_three_budgets_the_two_that_contradict_are_named(tmp_path: Path) -> None:
    # On this array the policy of least latency is not that of least energy.
    budgets = (
        Budget(metric="bit_ops", limit=6e7),
        Budget(metric="latency_ms", limit=0.08284),
        Budget(metric="energy_mj", limit=0.1238),
    )

    error = refused(tmp_path, target="bitfusion-eyeriss", budgets=budgets)

    assert isinstance(error, BudgetsContradict)
    assert error.field == "budgets"
    assert {error.first[0], error.second[0]} == {"latency_ms", "energy_mj"}
    assert error.least > error.second[1]
    assert "raise one of the two" in str(error)


def test_a_data_set_of_one_class(tmp_path: Path) -> None:
    of_class(tmp_path / "images", "alone", images=40, level=60)

    error = refused(tmp_path, dataset=f"folder:{tmp_path / 'images'}")

    assert isinstance(error, InvalidConfig)
    assert error.field == "dataset"
    assert "has 1 class folders; put the images into one folder per class, at least two" in str(
        error
    )


def test_scoring_images_of_one_class(tmp_path: Path) -> None:
    of_class(tmp_path / "images", "common", images=900, level=60)
    of_class(tmp_path / "images", "rare", images=10, level=190)

    error = refused(tmp_path, dataset=f"folder:{tmp_path / 'images'}")

    assert isinstance(error, InvalidConfig)
    assert error.field == "dataset"
    assert "the 32 search images that score policies are all of class 0" in str(error)
    assert "raise effort.score_images" in str(error)


def test_weights_with_nan(tmp_path: Path) -> None:
    network = build_model("mobilenet_v1_small", input=GREY_32, classes=10)
    name, weight = next(iter(network.named_parameters()))
    weight.data[0, 0, 0, 0] = torch.nan
    save_weights(network, tmp_path / "nan.safetensors", metadata={})
    config = tiny_config(checkpoint=str(tmp_path / "nan.safetensors"))
    told = []

    with pytest.raises(InvalidConfig) as caught:
        told.extend(events_of(config, tmp_path))

    assert caught.value.field == "checkpoint"
    assert f"'{name}' holds NaN or infinite values; take an earlier checkpoint" in str(caught.value)
    assert not any(isinstance(event, EpisodeFinished) for event in told)


def test_widths_beside_the_targets_own_are_said_to_save_memory_alone() -> None:
    target = target_entry("bitfusion")

    assert widths_note(target, [2, 3, 4], [4, 8]) == (
        f"{target.title} computes with 2, 4 or 8 bits; 3 bits run as the next wider ones and save "
        "memory alone."
    )
    assert widths_note(target, [2, 8], [4, 32]) == ""
    check_widths(target, (2, 3), (3, 8))
    check_widths(target, (3,), (32,))  # shared weights are looked up
