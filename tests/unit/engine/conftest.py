"""The networks of the papers and the targets they are priced on."""

import pytest

from engine.catalog.targets import target_entry
from engine.cost.model import CostModel
from engine.cost.pricing import cost_model
from engine.schema.layers import ModelSpec
from tests.unit.engine import paper_networks


@pytest.fixture(scope="session")
def mobilenet_v1() -> ModelSpec:
    return paper_networks.mobilenet_v1()


@pytest.fixture(scope="session")
def mobilenet_v2() -> ModelSpec:
    return paper_networks.mobilenet_v2()


@pytest.fixture(scope="session")
def bismo_cloud() -> CostModel:
    return cost_model(target_entry("bismo-cloud"))


@pytest.fixture(scope="session")
def counted() -> CostModel:
    return cost_model(target_entry("counted"))
