"""A search priced by a table that a profile made."""

from pathlib import Path

import pytest

from engine.catalog.tables import store_table
from engine.haq.subject import prepare
from engine.profiling.profile import profile
from engine.schema.cost import Budget
from engine.schema.errors import InvalidConfig
from engine.schema.places import Places
from engine.schema.quantize_config import QuantizeConfig
from engine.training.interrupt import Interrupt
from tests.engine.profiling.quick import quick_config, result_of


def config(target: str) -> QuantizeConfig:
    return QuantizeConfig(
        model="mobilenet_v1_small",
        dataset="fashion-mnist",
        target=target,
        budgets=(Budget(metric="model_bytes", limit=100_000),),
        device="cpu",
    )


def test_a_search_is_priced_by_the_table_that_it_names(tmp_path: Path) -> None:
    tables = tmp_path / "tables"
    result = result_of(profile(quick_config(), tmp_path / "run", interrupt=Interrupt()))
    store_table(result.table, tables)
    places = Places(data_root=tmp_path, weights_store=tmp_path, tables=tables)

    subject = prepare(config(result.target), places)

    assert subject.costs.target.id == result.target
    assert subject.costs.network_cost(subject.spec, None)["latency_ms"] > 0


def test_a_table_that_is_not_at_hand_is_an_error(tmp_path: Path) -> None:
    places = Places(data_root=tmp_path, weights_store=tmp_path, tables=tmp_path)

    with pytest.raises(InvalidConfig, match="target: 'table:bench@0123456789ab' is not among"):
        prepare(config("table:bench@0123456789ab"), places)
