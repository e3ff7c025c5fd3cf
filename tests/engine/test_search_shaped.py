"""A search in a space of the person's own shape: what it delivers can be loaded and quantised."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from engine.catalog.architecture_file import read_architecture
from engine.catalog.datasets import dataset_entry
from engine.catalog.spaces import space_for
from engine.export.network import load_network
from engine.export.quantized import load_quantized
from engine.schema.cost import Budget
from engine.schema.lowering import model_spec
from engine.schema.results import QuantizeResult, SearchResult
from engine.schema.space_shape import SpaceShape
from tests.engine.tiny_run import TINY, Finished, finished, small_constants, tiny_config
from tests.engine.tiny_search import TINY_SEARCH, small_search_constants, tiny_search_config

SHAPE = SpaceShape(widths=(16, 24, 40), cells=(1, 2, 1), strides=(1, 2, 2), stem=8)
SPACE = space_for("tiny", dataset=dataset_entry("fashion-mnist"), shape=SHAPE)
CONFIG = tiny_search_config(
    shape=SHAPE,
    budgets=(Budget(metric="macs", limit=1.2e6),),
    effort=replace(TINY_SEARCH, train_images=64, epochs=1, random_networks=0),
)


@pytest.fixture(scope="module")
def shaped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Finished]:
    with small_search_constants():
        yield finished(CONFIG, tmp_path_factory.mktemp("shaped"))


def test_the_found_network_has_the_shape_that_was_asked_for(shaped: Finished) -> None:
    result = shaped.result
    assert isinstance(result, SearchResult)

    architecture = read_architecture(shaped.artifact("architecture.json"))

    assert result.space == architecture.space == SPACE
    assert result.contender("found").cost["macs"] <= CONFIG.budgets[0].limit
    assert model_spec(architecture).model_hash == result.model.model_hash
    assert read_architecture(shaped.artifact("net.config")).ops == architecture.ops
    outputs = load_network(shaped.artifact("checkpoint.safetensors"))(torch.zeros(2, 1, 32, 32))
    assert outputs.shape == (2, 10)


def test_it_can_be_quantised(shaped: Finished, tmp_path: Path) -> None:
    config = tiny_config(
        model=f"file:{shaped.artifact('architecture.json')}",
        checkpoint=str(shaped.artifact("checkpoint.safetensors")),
        budgets=(Budget(metric="model_bytes", limit=20_000),),
        effort=replace(TINY, finetune_epochs=0),
    )

    with small_constants():
        run = finished(config, tmp_path)

    assert isinstance(run.result, QuantizeResult)
    quantised = load_quantized(run.artifact("checkpoint.safetensors"))
    assert quantised(torch.zeros(2, 1, 32, 32)).shape == (2, 10)
