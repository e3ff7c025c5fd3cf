"""A delivered network is loaded again as it was."""

from pathlib import Path

import pytest
import torch

from engine.catalog.datasets import dataset_entry
from engine.catalog.spaces import space_entry
from engine.export.network import load_network, save_network
from engine.nn.mobile_network import mobile_network
from engine.nn.weights import save_weights
from engine.schema.architecture import Architecture
from engine.schema.errors import InvalidConfig

SPACE = space_entry("tiny")


def test_a_loaded_network_gives_the_same_logits(tmp_path: Path) -> None:
    skipped = len(SPACE.blocks[1].ops) - 1
    architecture = Architecture(space=SPACE, choices=(3, skipped, 0, 1, 5, 2))
    network = mobile_network(architecture, generator=torch.Generator().manual_seed(7)).eval()
    path = tmp_path / "checkpoint.safetensors"
    save_network(network, path, architecture=architecture, dataset=dataset_entry("fashion-mnist"))
    images = torch.randn(2, 1, 32, 32, generator=torch.Generator().manual_seed(1))

    before = torch.get_rng_state()
    loaded = load_network(path)

    with torch.inference_mode():
        assert torch.equal(loaded(images), network(images))
    assert not loaded.training
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    "metadata",
    [{}, {"network": '{"format": "another/1"}'}, {"network": "[1"}, {"network": "[]"}],
    ids=["none", "another", "no JSON", "no object"],
)
def test_a_file_of_another_format_is_refused(tmp_path: Path, metadata: dict[str, str]) -> None:
    path = tmp_path / "other.safetensors"
    save_weights(torch.nn.Linear(2, 2), path, metadata=metadata)

    with pytest.raises(InvalidConfig, match="not a network of the format"):
        load_network(path)


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "note.txt"
    path.write_text("no tensors here")

    with pytest.raises(InvalidConfig, match="not a network of the format"):
        load_network(path)
