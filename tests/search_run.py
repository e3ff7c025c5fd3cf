"""A whole ProxylessNAS search as a run tells of it: every stage, every kind of event.

Blocks, layers and costs are real; accuracies follow a made-up law, the dearer the better, so that
charts have something to draw. Nothing here is a result of a search.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from math import exp, log, sqrt
from random import Random

from engine.catalog.datasets import dataset_entry
from engine.catalog.spaces import space_for
from engine.catalog.targets import target_entry
from engine.cost.pricing import cost_model
from engine.cost.space_costs import SpaceCosts, pricing_bits, space_costs
from engine.schema.architecture import Architecture, SearchSpace
from engine.schema.cost import Cost
from engine.schema.events import (
    ArchitectureScored,
    EpochFinished,
    Event,
    GatesUpdated,
    LogLine,
    Progress,
    RunStarted,
    Stage,
)
from engine.schema.lowering import model_spec
from engine.schema.policy import Policy
from engine.schema.results import (
    Accuracy,
    ArchitectureOrigin,
    Artifact,
    ScoredArchitecture,
    SearchResult,
    Split,
    TrainedNetwork,
)
from engine.schema.search_config import SearchConfig

_ORIGINS = ("argmax", "sample", "projection", "refill")


def events(config: SearchConfig, *, updates: int = 12, scored: int = 6) -> Iterator[Event]:
    """Yield what a run tells, without its last event."""
    yield RunStarted(config_hash="0" * 64, device="cpu", versions={"torch": "2.14.1"})
    yield LogLine(text="The space has its images; the supernet is built.")
    yield Progress(stage="preparing", done=1, total=1, unit="steps", fraction=0.02)
    yield from _epochs("training", "supernet", 2, 1.6, 0.62)
    for update in range(1, updates + 1):
        yield gates(config, update, updates)
        yield Progress(
            stage="searching",
            done=update,
            total=updates,
            unit="architecture steps",
            fraction=0.3 + 0.4 * update / updates,
            eta_s=25.0 if update > 3 else None,
        )
    yield from _epochs("searching", "supernet", 3, 0.9, 0.74)
    best = 0.0
    for index, point in enumerate(_scored(config, scored), 1):
        is_best, best = point.accuracy > best, max(best, point.accuracy)
        yield ArchitectureScored(
            index=index,
            total=scored,
            origin=point.origin,
            choices=point.choices,
            accuracy=point.accuracy,
            loss=point.loss,
            costs=point.costs,
            is_best=is_best,
        )
    for at, subject in enumerate(("found", "mobilenet_v2", "random-1")):
        yield Progress(
            stage="finetuning",
            done=4 * at,
            total=12,
            unit="image batches",
            fraction=0.7 + 0.08 * at,
            eta_s=20.0 - 5 * at,
        )
        yield from _epochs("finetuning", subject, 2, 0.7, 0.8)


def gates(config: SearchConfig, update: int, updates: int) -> GatesUpdated:
    """Return where the search stands after an update: ever surer of the same choices."""
    space, costs = searched(config), prices(config)
    shares = probabilities(space, sharpness=4.0 * update / updates)
    argmax = tuple(max(range(len(own)), key=own.__getitem__) for own in shares)
    expected = costs.fixed + sum(
        sum(p * float(cost) for p, cost in zip(own, block, strict=True))
        for own, block in zip(shares, costs.blocks, strict=True)
    )
    return GatesUpdated(
        step=10 * update,
        steps=10 * updates,
        epoch=1 + 3 * (update - 1) // updates,
        probabilities=shares,
        entropy=entropy(shares),
        expected_cost=expected,
        argmax=argmax,
        argmax_cost=costs.cost(argmax),
        limit=config.budgets[0].limit,
        search_loss=1.2 - 0.04 * update,
        search_accuracy=0.55 + 0.02 * update,
        multiplier=0.01 * update,
    )


def result(
    config: SearchConfig,
    *,
    found: float = 0.874,
    mobilenet: float = 0.861,
    randoms: Sequence[float] = (0.865, 0.872, 0.858, 0.87, 0.867),
    artifacts: Sequence[Artifact] = (),
) -> SearchResult:
    """Return a result with these report accuracies of found, MobileNetV2 and random networks."""
    space = searched(config)
    shares = probabilities(space, sharpness=4.0)
    choices = _within(config)
    architecture = Architecture(space=space, choices=choices)
    contenders = (
        _network(config, "found", "Found network", choices=choices, accuracy=found),
        _network(config, "mobilenet_v2", "MobileNetV2 ×0.35", choices=None, accuracy=mobilenet),
        *(
            _network(
                config,
                f"random-{number}",
                f"Random network {number}",
                choices=_random_choices(space, Random(number)),
                accuracy=accuracy,
            )
            for number, accuracy in enumerate(randoms, 1)
        ),
    )
    return SearchResult(
        found="found",
        contenders=contenders,
        space=space,
        model=model_spec(architecture),
        dataset=config.dataset,
        target=config.target,
        budgets=config.budgets,
        probabilities=shares,
        candidates=tuple(_scored(config, 12)),
        artifacts=tuple(artifacts),
        stage_seconds={"training": 12.0, "searching": 31.5, "finetuning": 22.0},
        notes=("The budget was met by the likeliest network; nothing had to be lowered.",),
    )


@cache
def searched(config: SearchConfig) -> SearchSpace:
    """Return the config's space, fitted to its data."""
    return space_for(config.space, dataset=dataset_entry(config.dataset), shape=config.shape)


@cache
def prices(config: SearchConfig) -> SpaceCosts:
    """Return the config's space priced by the budget's metric."""
    model = cost_model(target_entry(config.target))
    bits = pricing_bits(config, model.target)
    return space_costs(searched(config), model, config.budgets[0].metric, bits)


def probabilities(space: SearchSpace, *, sharpness: float) -> tuple[tuple[float, ...], ...]:
    """Return shares that differ by block, the sharper the surer."""
    shares = []
    for at, block in enumerate(space.decisions):
        draw = Random(at)
        weights = [exp(sharpness * draw.random()) for _ in block.ops]
        shares.append(tuple(round(weight / sum(weights), 5) for weight in weights))
    return tuple(shares)


def entropy(shares: Sequence[Sequence[float]]) -> float:
    """Return the mean entropy of decisions in nats."""
    return sum(-sum(p * log(p) for p in own if p) for own in shares) / len(shares)


def _within(config: SearchConfig) -> tuple[int, ...]:
    """Return choices within the budget, near to it where the space allows."""
    costs, limit = prices(config), config.budgets[0].limit
    choices = [int(block.argmin()) for block in costs.blocks]
    for at, block in enumerate(costs.blocks):
        for place in sorted(range(len(block)), key=lambda n, b=block: float(b[n])):  # type: ignore[misc]
            trial = [*choices[:at], place, *choices[at + 1 :]]
            if costs.cost(trial) <= limit:
                choices = trial
    return tuple(choices)


def _random_choices(space: SearchSpace, draw: Random) -> tuple[int, ...]:
    return tuple(draw.randrange(len(block.ops)) for block in space.decisions)


def _scored(config: SearchConfig, count: int) -> Iterator[ScoredArchitecture]:
    space, costs = searched(config), prices(config)
    for number in range(count):
        choices = _random_choices(space, Random(f"scored {number}"))
        cost = costs.cost(choices)
        reach = (cost - costs.lowest) / (costs.highest - costs.lowest)
        yield ScoredArchitecture(
            origin=_ORIGINS[number % len(_ORIGINS)],
            choices=choices,
            costs={config.budgets[0].metric: cost},
            accuracy=0.74 + 0.08 * reach + 0.01 * Random(number).random(),
            loss=0.8 - 0.2 * reach,
        )


def _network(
    config: SearchConfig,
    network_id: str,
    label: str,
    *,
    choices: tuple[int, ...] | None,
    accuracy: float,
) -> TrainedNetwork:
    architecture = Architecture(space=searched(config), choices=choices or _within(config))
    origins: dict[str, ArchitectureOrigin] = {"found": "search", "mobilenet_v2": "mobilenet_v2"}
    return TrainedNetwork(
        id=network_id,
        label=label,
        role="found" if network_id == "found" else "baseline",
        origin=origins.get(network_id, "random"),
        cost=_cost(config, architecture),
        parameters=model_spec(architecture).parameters,
        choices=choices,
        width=None if choices else 0.35,
        supernet_accuracy=_accuracy(accuracy - 0.1, "search", 2000) if choices else None,
        search_accuracy=_accuracy(accuracy + 0.004, "search", 2000),
        report_accuracy=_accuracy(accuracy, "report", 6000),
        epochs=2,
        training_seconds=8.0,
    )


def _cost(config: SearchConfig, architecture: Architecture) -> Cost:
    model = cost_model(target_entry(config.target))
    spec = model_spec(architecture)
    bits = pricing_bits(config, model.target)
    policy = (
        None
        if bits is None
        else Policy(layers={layer.name: bits for layer in spec.layers}, model_hash=spec.model_hash)
    )
    return model.network_cost(spec, policy)


def _accuracy(value: float, split: Split, images: int) -> Accuracy:
    return Accuracy(
        value=value,
        standard_error=sqrt(value * (1 - value) / images),
        images=images,
        split=split,
    )


def _epochs(
    stage: Stage, subject: str, epochs: int, loss: float, accuracy: float
) -> Iterator[EpochFinished]:
    for epoch in range(1, epochs + 1):
        yield EpochFinished(
            stage=stage,
            subject=subject,
            epoch=epoch,
            epochs=epochs,
            train_loss=loss / epoch,
            train_accuracy=accuracy + 0.02 * epoch,
            search_accuracy=accuracy + 0.01 * epoch,
            learning_rate=0.1,
        )
