"""What a search is about: its space, its images, its costs, its device."""

from dataclasses import dataclass

import torch

from engine.catalog.datasets import dataset_entry
from engine.catalog.search_split import check_search_images
from engine.catalog.spaces import space_for
from engine.catalog.targets import target_entry
from engine.cost.pricing import cost_model
from engine.data.held import held
from engine.data.image_set import ImageSet
from engine.data.splits import Splits, load_splits
from engine.proxyless.hardware_loss import hardware_term
from engine.proxyless.priced_space import PricedSpace, price_space
from engine.proxyless.schedules import architecture_steps, architecture_stride
from engine.schema.errors import InvalidConfig
from engine.schema.places import Places
from engine.schema.search_config import SearchConfig
from engine.training.device import pick_device
from engine.training.precision import Mixed


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Subject:
    """A priced space with its images, and the device that it is searched on."""

    priced: PricedSpace
    splits: Splits
    train: ImageSet  # the same images as in `splits`, kept on the device where they fit
    search: ImageSet
    device: torch.device


def prepare(config: SearchConfig, places: Places) -> Subject:
    """Return the subject; whatever cannot be done is found out here.

    Raises:
        InvalidConfig: a field names what does not exist or does not fit.
        BudgetUnreachable: no network of the space meets the budgets.
    """
    device = pick_device(config.device)
    Mixed(config.precision, device)
    hardware_term(config)
    dataset = dataset_entry(config.dataset)
    space = space_for(config.space, dataset=dataset, shape=config.shape)
    costs = cost_model(target_entry(config.target, tables=places.tables))
    priced = price_space(config, space, costs)
    splits = load_splits(config.dataset, input=space.input, data_root=places.data_root)
    assert splits.classes is not None, "the space was fitted to labelled images"
    check_search_images(config, images=len(splits.search), classes=splits.classes)
    _require_architecture_steps(config, splits)
    effort = config.effort
    most = max(effort.train_images, effort.final_images)
    return Subject(
        priced=priced,
        splits=splits,
        train=held(splits.train, device, limit=most),
        search=held(splits.search, device, limit=effort.search_images),
        device=device,
    )


def _require_architecture_steps(config: SearchConfig, splits: Splits) -> None:
    """Refuse a search that would end before its architecture has learnt anything."""
    effort = config.effort
    batches = splits.train.batch_count(effort.batch_size, limit=effort.train_images)
    if architecture_steps(config, batches):
        return
    field = "policy_every" if config.algorithm == "reinforce" else "architecture_every"
    learning_epochs = effort.epochs - effort.frozen_epochs
    raise InvalidConfig(
        f"effort.{field}",
        f"the architecture would never learn: one step every {architecture_stride(config)} "
        f"batches, and there are {learning_epochs * batches}; ask for fewer batches between "
        "steps, or more epochs or images",
    )
