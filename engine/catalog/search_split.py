"""Whether the search split is large enough for a ProxylessNAS search."""

from engine.schema.errors import InvalidConfig
from engine.schema.search_config import SearchConfig


def check_search_images(config: SearchConfig, *, images: int, classes: int) -> None:
    """Check that a search split of so many images serves a search.

    Raises:
        InvalidConfig: a batch is larger than the split, or there are more classes than images.
    """
    effort, seen = config.effort, min(config.effort.search_images, images)
    batches = {"batch_size": effort.batch_size}
    if config.algorithm == "reinforce":
        batches["policy_images"] = effort.policy_images
    for name, batch in batches.items():
        if batch > seen:
            raise InvalidConfig(
                f"effort.{name}",
                f"a batch of {batch} is more than the {seen} images of the search split; "
                "ask for a smaller one or give more images",
            )
    if seen < classes:
        field = "dataset" if images < classes else "effort.search_images"
        raise InvalidConfig(
            field,
            f"the search sees {seen} images for {classes} classes; give at least one for each",
        )
