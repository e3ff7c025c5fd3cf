"""Whole ProxylessNAS searches in seconds: the tiny space, few images, one epoch of each phase."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from engine.schema.config_parts import TrainingRecipe
from engine.schema.search_config import SearchConfig, SearchEffort
from tests.engine.proxyless.toy_search import search_config

TINY_SEARCH = SearchEffort(
    train_images=192,
    search_images=64,
    batch_size=32,
    warmup_epochs=1,
    epochs=2,
    policy_every=1,
    policy_samples=2,
    policy_images=32,
    rescored=4,
    rescore_images=32,
    random_networks=1,
    final_images=64,
    report_images=64,
)


def tiny_search_config(**changes: Any) -> SearchConfig:
    """Return the config of a whole search."""
    return search_config(
        **{
            "effort": TINY_SEARCH,
            "recipe": TrainingRecipe(epochs=1, batch_size=32),
            **changes,
        }
    )


@contextmanager
def small_search_constants() -> Iterator[None]:
    """Take batch statistics from few images."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("engine.proxyless.scoring.STATISTICS_IMAGES", 64)
        yield
