"""Every data set of the catalogue as three splits."""

from pathlib import Path

import pytest
import torch

from engine.catalog.datasets import DATASETS
from engine.catalog.models import MODELS, fitted_input, model_entry
from engine.data import splits as splits_module
from engine.data.fashion_mnist import load_fashion_mnist
from engine.data.image_set import Normalisation
from engine.data.splits import load_splits, normalisation_for
from engine.schema.errors import InvalidConfig
from engine.schema.layers import InputSpec

NOWHERE = Path("/nonexistent")
GREY_32 = InputSpec(channels=1, size=32)


@pytest.fixture(autouse=True)
def _built_in_part_only(monkeypatch: pytest.MonkeyPatch) -> None:
    # What lies on this machine must not decide what is tested.
    monkeypatch.setattr(
        splits_module,
        "load_fashion_mnist",
        lambda root: load_fashion_mnist(root, system_folder=NOWHERE),
    )


@pytest.mark.parametrize("dataset_id", [entry.id for entry in DATASETS.values() if entry.built_in])
@pytest.mark.parametrize("model_id", list(MODELS))
def test_built_in_data_fit_every_model_of_the_catalogue(dataset_id: str, model_id: str) -> None:
    input, classes = fitted_input(model_entry(model_id), DATASETS[dataset_id])

    splits = load_splits(dataset_id, input=input, data_root=NOWHERE)

    images_NCHW, labels_N = splits.search.first(2)
    assert images_NCHW.shape == (2, input.channels, input.size, input.size)
    assert images_NCHW.dtype == torch.float32
    assert labels_N.dtype == torch.int64
    assert splits.classes == classes
    assert len(splits.notes) == 1


@pytest.mark.parametrize(
    "dataset_id", [entry.id for entry in DATASETS.values() if not entry.built_in]
)
def test_data_that_are_not_at_hand_are_told_with_the_remedy(
    dataset_id: str, tmp_path: Path
) -> None:
    with pytest.raises(InvalidConfig, match=rf"dataset: .*{tmp_path}"):
        load_splits(dataset_id, input=InputSpec(channels=3, size=32), data_root=tmp_path)


def test_images_have_about_zero_mean_and_unit_deviation_without_the_border() -> None:
    splits = load_splits("fashion-mnist", input=GREY_32, data_root=NOWHERE)

    inner_NHW = splits.train.first(2000)[0][:, 0, 2:30, 2:30]

    assert inner_NHW.mean().item() == pytest.approx(0.0, abs=0.03)
    assert inner_NHW.std().item() == pytest.approx(1.0, abs=0.03)


def test_a_pretrained_network_gets_the_statistics_it_was_trained_with() -> None:
    statistics = normalisation_for(model_entry("efficientnet_lite0"), DATASETS["cifar10"])

    splits = load_splits(
        "fashion-mnist",
        input=InputSpec(channels=3, size=32),
        data_root=NOWHERE,
        normalisation=statistics,
    )

    black = splits.train.first(1)[0][0, :, 0, 0]
    assert torch.allclose(black, torch.full((3,), -0.498 / 0.502))


def test_another_network_gets_the_data_sets_statistics() -> None:
    statistics = normalisation_for(model_entry("mobilenet_v2"), DATASETS["fashion-mnist"])

    assert statistics == Normalisation(mean=(0.2860,), std=(0.3530,))


def test_an_unknown_data_set_is_refused_with_those_there_are() -> None:
    with pytest.raises(InvalidConfig, match=r"'mnist' is not known; choose one of fashion-mnist"):
        load_splits("mnist", input=GREY_32, data_root=NOWHERE)


def test_colour_data_do_not_go_into_a_grey_network() -> None:
    with pytest.raises(InvalidConfig, match="takes 1 channels and the images have 3"):
        load_splits("cifar10", input=GREY_32, data_root=NOWHERE)
