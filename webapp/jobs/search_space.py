"""The space that a search is about: fitted to its data, in its shape."""

from engine.catalog.datasets import dataset_entry
from engine.catalog.spaces import space_for
from engine.schema.architecture import SearchSpace
from engine.schema.search_config import SearchConfig


def space_of(config: SearchConfig) -> SearchSpace:
    """Return the space that a config searches.

    Raises:
        InvalidConfig: no such space or data set, or they do not fit.
    """
    return space_for(config.space, dataset=dataset_entry(config.dataset), shape=config.shape)
