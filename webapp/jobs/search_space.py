"""The space that a search is about: fitted to its data and its width."""

from engine.catalog.datasets import dataset_entry
from engine.catalog.spaces import space_for
from engine.schema.architecture import SearchSpace
from engine.schema.configs import SearchConfig
from engine.schema.space_shape import SpaceShape


def fitted_space(space_id: str, dataset_id: str, width: float = 1.0) -> SearchSpace:
    """Return a space of the catalogue for a data set.

    Raises:
        InvalidConfig: no such space or data set, or images or classes that do not fit.
    """
    return space_for(space_id, dataset=dataset_entry(dataset_id), shape=SpaceShape(width=width))


def space_of(config: SearchConfig) -> SearchSpace:
    """Return the space that a config searches. Raises InvalidConfig, as above."""
    return fitted_space(config.space, config.dataset, config.width)
