"""The network that is quantised, with its images, its costs and its float weights."""

import copy
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from engine.catalog.baselines import uniform_policy
from engine.catalog.datasets import dataset_entry
from engine.catalog.model_files import entry_of
from engine.catalog.models import fitted_input
from engine.catalog.targets import target_entry
from engine.cost.model import CostModel
from engine.cost.pricing import cost_model
from engine.data.splits import Splits, load_splits, normalisation_for
from engine.nn.build import build_model
from engine.nn.codebook_layer import CodebookLayer
from engine.nn.describe import describe
from engine.nn.layout import lay_channels_last
from engine.nn.quantized import QuantizedLayer, quantize_layers
from engine.schema.errors import InvalidConfig
from engine.schema.events import Event
from engine.schema.layers import ModelSpec
from engine.schema.places import Places
from engine.schema.policy import FLOAT_BITS, Policy
from engine.schema.quantize_config import QuantizeConfig, Quantizer
from engine.solver.reach import check_question
from engine.training.device import pick_device
from engine.training.float_weights import FloatWeights, WeightsRequest, obtain_float_weights
from engine.training.interrupt import Interrupt
from engine.training.plan import Plan

TRAINING_CHECKPOINT = "float.checkpoint"  # below the working folder, while float weights train
_FEWEST_LAYERS = 3  # the first and the last keep 8 bits


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Subject:
    """A float network in eval mode on its device, and all that a search asks of it."""

    network: nn.Module
    spec: ModelSpec
    splits: Splits
    costs: CostModel
    device: torch.device
    quantizer: Quantizer = "linear"

    def quantisable(self) -> tuple[nn.Module, dict[str, QuantizedLayer]]:
        """Return a copy whose layers can be given bits, and those layers by name."""
        network = copy.deepcopy(self.network)
        kind = CodebookLayer if self.quantizer == "kmeans" else QuantizedLayer
        layers = quantize_layers(network, self.spec.layers, kind=kind)
        lay_channels_last(network)
        return network.eval(), layers

    def uniform(self, bits: int) -> Policy:
        """Return the policy of the same bits everywhere; pinned layers apart, where there are."""
        inputs = FLOAT_BITS if self.quantizer == "kmeans" else bits
        return uniform_policy(self.spec, bits, inputs)


def prepare(config: QuantizeConfig, places: Places) -> Subject:
    """Return the subject with random weights; whatever cannot be done is found out here.

    Raises:
        InvalidConfig: a field names what does not exist or does not fit.
        BudgetUnreachable: no policy meets a budget.
        UnsupportedModel: a layer that cannot be quantised.
    """
    device = pick_device(config.device)
    dataset, entry = dataset_entry(config.dataset), entry_of(config.model)
    image, classes = fitted_input(entry, dataset)
    network = build_model(config.model, input=image, classes=classes)
    spec = describe(network, model_id=config.model, input=image, classes=classes)
    if len(spec.layers) < _FEWEST_LAYERS:
        raise InvalidConfig(
            "model",
            f"{config.model} has {len(spec.layers)} quantisable layers; the first and the last "
            f"keep 8 bits, so at least {_FEWEST_LAYERS} are needed",
        )
    costs = cost_model(target_entry(config.target, tables=places.tables))
    check_question(config, spec, costs)
    splits = load_splits(
        config.dataset,
        input=image,
        data_root=places.data_root,
        normalisation=normalisation_for(entry, dataset),
    )
    _check_classes(splits, config.effort.score_images)
    return Subject(
        network=network.to(device),
        spec=spec,
        splits=splits,
        costs=costs,
        device=device,
        quantizer=config.quantizer,
    )


def _check_classes(splits: Splits, count: int) -> None:
    """Refuse scoring images of a single class: any network that always names it is perfect."""
    if splits.classes is None:  # no labels: what is scored is how answers are kept
        return
    labels_N = splits.search.labels_N[:count]
    if len(set(labels_N.tolist())) < 2:
        raise InvalidConfig(
            "dataset",
            f"the {len(labels_N)} search images that score policies are all of class "
            f"{int(labels_N[0])}; give the other classes more images, or raise "
            "effort.score_images",
        )


def weights_request(config: QuantizeConfig, subject: Subject) -> WeightsRequest:
    """Return which float weights a run wants."""
    return WeightsRequest(
        spec=subject.spec,
        dataset=config.dataset,
        recipe=config.recipe,
        checkpoint=Path(config.checkpoint) if config.checkpoint else None,
    )


def fill_weights(
    subject: Subject,
    config: QuantizeConfig,
    *,
    workdir: Path,
    places: Places,
    plan: Plan,
    interrupt: Interrupt,
) -> Generator[Event, None, FloatWeights]:
    """Give the subject its float weights; trains them if none are at hand."""
    weights = yield from obtain_float_weights(
        subject.network,
        weights_request(config, subject),
        splits=subject.splits,
        places=places,
        device=subject.device,
        progress_file=workdir / TRAINING_CHECKPOINT,
        interrupt=interrupt,
        span=plan.span("training"),
    )
    subject.network.eval()
    return weights
