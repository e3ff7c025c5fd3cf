"""Configs and priced spaces for the search's tests."""

from typing import Any

from engine.catalog.datasets import dataset_entry
from engine.catalog.spaces import space_for
from engine.catalog.targets import target_entry
from engine.cost.pricing import cost_model
from engine.proxyless.priced_space import PricedSpace, price_space
from engine.schema.cost import Budget
from engine.schema.search_config import SearchConfig

MACS = Budget(metric="macs", limit=1.5e6)


def search_config(**changes: Any) -> SearchConfig:
    """Return a search of the tiny space."""
    settings: dict[str, Any] = {
        "space": "tiny",
        "dataset": "fashion-mnist",
        "target": "counted",
        "budgets": (MACS,),
        "device": "cpu",
        **changes,
    }
    return SearchConfig(**settings)


def priced_space(**changes: Any) -> PricedSpace:
    """Return the tiny space with its costs."""
    config = search_config(**changes)
    space = space_for(config.space, dataset=dataset_entry(config.dataset))
    return price_space(config, space, cost_model(target_entry(config.target)))
