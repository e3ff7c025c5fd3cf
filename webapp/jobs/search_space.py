"""The space that a search is about: fitted to its data and its width."""

from engine.catalog.datasets import DatasetEntry, dataset_entry
from engine.catalog.spaces import space_for
from engine.schema.architecture import SearchSpace
from engine.schema.configs import SearchConfig
from engine.schema.space_shape import SpaceShape


def fitted_space(space_id: str, dataset: DatasetEntry, width: float = 1.0) -> SearchSpace:
    """Return a space of the catalogue for a data set.

    Raises:
        InvalidConfig: no such space, or images or classes that do not fit.
    """
    return space_for(space_id, dataset=dataset, shape=SpaceShape(width=width))


def space_of(config: SearchConfig) -> SearchSpace:
    """Return the space that a config searches.

    Raises:
        InvalidConfig: no such space or data set, or they do not fit.
    """
    return fitted_space(config.space, dataset_entry(config.dataset), config.width)
