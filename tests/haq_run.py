"""A whole HAQ search as a run tells of it: every strategy, every kind of event.

Layers and costs are real; accuracies follow a made-up law, the more bits the better, so that
charts have something to draw. Nothing here is a result of a search.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from math import exp, sqrt
from random import Random

from engine.catalog.baselines import uniform_policy
from engine.catalog.datasets import dataset_entry
from engine.catalog.models import layer_table
from engine.catalog.targets import target_entry
from engine.cost.pricing import cost_model
from engine.schema.cost import Cost
from engine.schema.events import (
    CandidateFound,
    EpisodeFinished,
    EpochFinished,
    Event,
    LogLine,
    Progress,
    RunStarted,
    SensitivityMeasured,
)
from engine.schema.layers import LayerSpec, ModelSpec
from engine.schema.policy import LayerBits, Policy
from engine.schema.quantize_config import QuantizeConfig
from engine.schema.results import (
    Accuracy,
    Candidate,
    Contender,
    LayerSensitivity,
    ParetoFront,
    QuantizeResult,
    Split,
    Strategy,
)

FLOAT_ACCURACY = 0.9095
STRATEGIES: tuple[Strategy, ...] = ("solver", "hill_climb", "random", "agent")
_TITLES = {"solver": "Solver", "hill_climb": "Hill climbing", "random": "Random", "agent": "Agent"}


def events(config: QuantizeConfig, *, scored: int = 24) -> Iterator[Event]:
    """Yield what a run tells, without its last event."""
    spec = network(config)
    yield RunStarted(config_hash="0" * 64, device="cpu", versions={"torch": "2.14.1"})
    yield LogLine(text="Float weights: shipped with Bespoke, 90.95 % on the search images.")
    yield Progress(stage="preparing", done=1, total=1, unit="checkpoints", fraction=0.02)
    for index, layer in enumerate(spec.layers):
        row = sensitivity(layer)
        yield SensitivityMeasured(
            layer=layer.name,
            index=index,
            weight_losses=row.weight_losses,
            activation_losses=row.activation_losses,
        )
    yield from _episodes(config, spec, scored)
    for epoch in (1, 2):
        yield EpochFinished(
            stage="finetuning",
            subject="hill_climb",
            epoch=epoch,
            epochs=2,
            train_loss=0.6 / epoch,
            train_accuracy=0.87 + 0.02 * epoch,
            search_accuracy=0.86 + 0.02 * epoch,
            learning_rate=0.01,
        )


def result(config: QuantizeConfig, *, scored: int = 24) -> QuantizeResult:
    """Return a result with all contenders, a front and every scored policy."""
    spec = network(config)
    found = {strategy: _best(config, spec, strategy, scored) for strategy in STRATEGIES}
    baselines = [
        _contender(config, spec, "float", "Float", None),
        *(
            _contender(config, spec, f"uniform-{bits}", f"Uniform {bits}-bit", _uniform(spec, bits))
            for bits in (8, 6, 4)
        ),
    ]
    strategies = [
        _contender(config, spec, strategy, _TITLES[strategy], policy, evaluations=scored)
        for strategy, policy in found.items()
    ]
    return QuantizeResult(
        found="hill_climb",
        contenders=(*baselines, *strategies),
        model=spec,
        dataset=config.dataset,
        target=config.target,
        budgets=config.budgets,
        front=ParetoFront(metric=config.budgets[0].metric, points=_front(config, spec)),
        candidates=tuple(_candidates(config, spec, scored)),
        sensitivity=tuple(sensitivity(layer) for layer in spec.layers),
        artifacts=(),
        stage_seconds={"preparing": 1.2, "sensitivity": 9.4, "searching": 21.0, "finetuning": 13.3},
        notes=("Accuracies are of 6,000 report images that no step has seen.",),
    )


@cache
def network(config: QuantizeConfig) -> ModelSpec:
    """Return the config's network, fitted to its data."""
    spec = layer_table(config.model, dataset_entry(config.dataset))
    assert spec is not None
    return spec


def sensitivity(layer: LayerSpec) -> LayerSensitivity:
    """Return losses that fall by a factor for each bit; depthwise layers suffer most."""
    scale = {"depthwise": 1.6, "conv": 0.8, "pointwise": 0.5, "linear": 0.3}.get(layer.kind, 0.5)
    jitter = Random(layer.name).uniform(0.5, 2.0)
    losses = {str(bits): round(scale * jitter * exp(-1.1 * (bits - 2)), 5) for bits in range(2, 9)}
    return LayerSensitivity(
        layer=layer.name,
        weight_losses=losses,
        activation_losses={bits: loss / 3 for bits, loss in losses.items()},
    )


def _episodes(config: QuantizeConfig, spec: ModelSpec, scored: int) -> Iterator[Event]:
    best_of_all = -9.0
    done = 0
    for strategy in STRATEGIES:
        best = -9.0
        for episode, policy in enumerate(_policies(spec, strategy, scored), 1):
            accuracy = _accuracy_of(spec, policy)
            reward = 10 * (accuracy - FLOAT_ACCURACY)
            best = max(best, reward)
            cost = _cost(config, spec, policy)
            done += 1
            yield EpisodeFinished(
                strategy=strategy,
                episode=episode,
                reward=reward,
                accuracy=accuracy,
                loss=_loss_of(spec, policy),
                cost_ratio=0.4,
                costs={metric: value.value for metric, value in cost.values.items()},
                best_reward=best,
                bits=tuple((b.weight_bits, b.activation_bits) for b in policy.layers.values()),
            )
            yield Progress(
                stage="searching",
                done=done,
                total=4 * scored,
                unit="policies",
                fraction=0.25 + 0.5 * done / (4 * scored),
                eta_s=30.0 if done > 5 else None,
            )
            if reward > best_of_all:
                best_of_all = reward
                yield CandidateFound(
                    strategy=strategy,
                    episode=episode,
                    accuracy=accuracy,
                    reward=reward,
                    costs={metric: value.value for metric, value in cost.values.items()},
                    policy=policy,
                )


def _policies(spec: ModelSpec, strategy: Strategy, scored: int) -> list[Policy]:
    """Return what a strategy tries: the solver one policy, the others neighbours of uniform 4."""
    draw = Random(f"{strategy} {spec.model_hash}")
    count = 1 if strategy == "solver" else scored
    spread = {"solver": 0.2, "hill_climb": 0.35, "random": 0.8, "agent": 0.5}[strategy]
    return [_near_uniform(spec, draw, spread) for _ in range(count)]


def _near_uniform(spec: ModelSpec, draw: Random, spread: float) -> Policy:
    base = _uniform(spec, 4)
    layers = {}
    for at, (name, bits) in enumerate(base.layers.items()):
        pinned = at in (0, len(base) - 1)
        step = 0 if pinned or draw.random() > spread else draw.choice((-1, 1))
        layers[name] = LayerBits(
            weight_bits=bits.weight_bits + step,
            activation_bits=bits.activation_bits + (0 if pinned else draw.choice((-1, 0, 0, 1))),
        )
    return Policy(layers=layers, model_hash=spec.model_hash)


def _best(config: QuantizeConfig, spec: ModelSpec, strategy: Strategy, scored: int) -> Policy:
    return max(_policies(spec, strategy, scored), key=lambda policy: _accuracy_of(spec, policy))


def _candidates(config: QuantizeConfig, spec: ModelSpec, scored: int) -> Iterator[Candidate]:
    for strategy in STRATEGIES:
        for policy in _policies(spec, strategy, scored):
            cost = _cost(config, spec, policy)
            yield Candidate(
                origin=strategy,
                costs={metric: value.value for metric, value in cost.values.items()},
                accuracy=_accuracy_of(spec, policy),
                loss=_loss_of(spec, policy) * 1.3,
                policy=policy,
            )


def _front(config: QuantizeConfig, spec: ModelSpec) -> tuple[Candidate, ...]:
    points = []
    for bits in (2, 3, 4, 5, 6, 7, 8):
        policy = _uniform(spec, bits)
        cost = _cost(config, spec, policy)
        points.append(
            Candidate(
                origin="front",
                costs={metric: value.value for metric, value in cost.values.items()},
                loss=_loss_of(spec, policy),
                policy=policy,
            )
        )
    return tuple(points)


def _contender(
    config: QuantizeConfig,
    spec: ModelSpec,
    contender_id: str,
    label: str,
    policy: Policy | None,
    *,
    evaluations: int = 0,
) -> Contender:
    before = FLOAT_ACCURACY if policy is None else _accuracy_of(spec, policy)
    after = before + 0.6 * (FLOAT_ACCURACY - before)
    is_strategy = contender_id in STRATEGIES
    tuned = policy is not None and (contender_id in ("hill_climb", "solver", "uniform-4"))
    return Contender(
        id=contender_id,
        label=label,
        role="found" if contender_id == "hill_climb" else "strategy" if is_strategy else "baseline",
        cost=cost_model(target_entry(config.target)).network_cost(spec, policy),
        policy=policy,
        search_accuracy=_accuracy(before, "search", 2000),
        search_loss=None if policy is None else _loss_of(spec, policy),
        tuned_search_accuracy=_accuracy(after, "search", 2000) if tuned else None,
        report_accuracy=_accuracy(after if tuned else before, "report", 6000),
        untuned_report_accuracy=_accuracy(before, "report", 6000) if tuned else None,
        evaluations=1 if contender_id == "solver" else evaluations,
        search_seconds=12.5 if is_strategy else 0.0,
        equal_cost_loss=_loss_of(spec, policy) if is_strategy and policy else None,
    )


def _accuracy(value: float, split: Split, images: int) -> Accuracy:
    return Accuracy(
        value=value,
        standard_error=sqrt(value * (1 - value) / images),
        images=images,
        split=split,
    )


def _uniform(spec: ModelSpec, bits: int) -> Policy:
    return uniform_policy(spec, bits, bits)


def _cost(config: QuantizeConfig, spec: ModelSpec, policy: Policy) -> Cost:
    return cost_model(target_entry(config.target)).network_cost(spec, policy)


def _loss_of(spec: ModelSpec, policy: Policy) -> float:
    losses = 0.0
    for layer in _priced(spec, policy):
        row, bits = sensitivity(layer), policy[layer.name]
        losses += row.weight_losses[str(bits.weight_bits)] * 0.05
        losses += row.activation_losses[str(bits.activation_bits)] * 0.05
    return round(0.25 + losses, 5)


def _accuracy_of(spec: ModelSpec, policy: Policy) -> float:
    return round(FLOAT_ACCURACY * exp(-0.35 * (_loss_of(spec, policy) - 0.25)), 5)


def _priced(spec: ModelSpec, policy: Policy) -> Sequence[LayerSpec]:
    return [layer for layer in spec.layers if layer.name in policy.layers]
