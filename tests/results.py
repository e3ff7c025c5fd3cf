"""A small result of a HAQ search, with real layers and costs; its accuracies are made up."""

from collections.abc import Sequence

from engine.catalog.baselines import uniform_policy
from engine.catalog.datasets import dataset_entry
from engine.catalog.models import layer_table
from engine.catalog.targets import target_entry
from engine.cost.pricing import cost_model
from engine.schema.layers import ModelSpec
from engine.schema.quantize_config import QuantizeConfig
from engine.schema.results import (
    Accuracy,
    Artifact,
    Candidate,
    Contender,
    LayerSensitivity,
    ParetoFront,
    QuantizeResult,
)


def quantize_result(
    config: QuantizeConfig, *, artifacts: Sequence[Artifact] = ()
) -> QuantizeResult:
    """Return a result in which the solver's uniform 5-bit policy beats the uniform 4-bit one."""
    spec = layer_table(config.model, dataset_entry(config.dataset))
    assert spec is not None
    contenders = (
        _contender("solver", "Solver", "found", config, spec, bits=5, accuracy=0.88),
        _contender("uniform-8", "Fixed 8 bit", "baseline", config, spec, bits=8, accuracy=0.90),
        _contender("uniform-4", "Uniform 4 bit", "baseline", config, spec, bits=4, accuracy=0.81),
        _contender("float", "Float", "baseline", config, spec, bits=None, accuracy=0.91),
    )
    points = tuple(
        Candidate(
            origin="front",
            costs={metric: value.value for metric, value in contender.cost.values.items()},
            loss=1.0 - contender.report_accuracy.value if contender.report_accuracy else None,
            policy=contender.policy,
        )
        for contender in contenders[:3]
    )
    return QuantizeResult(
        found="solver",
        contenders=contenders,
        model=spec,
        dataset=config.dataset,
        target=config.target,
        budgets=config.budgets,
        front=ParetoFront(metric=config.budgets[0].metric, points=points),
        candidates=points,
        sensitivity=tuple(
            LayerSensitivity(
                layer=layer.name,
                weight_losses={"4": 0.05, "8": 0.0},
                activation_losses={"4": 0.03, "8": 0.0},
            )
            for layer in spec.layers
        ),
        artifacts=tuple(artifacts),
        stage_seconds={"searching": 1.5},
    )


def _contender(
    contender_id: str,
    label: str,
    role: str,
    config: QuantizeConfig,
    spec: ModelSpec,
    *,
    bits: int | None,
    accuracy: float,
) -> Contender:
    policy = uniform_policy(spec, bits, bits) if bits else None
    measured = Accuracy(value=accuracy, standard_error=0.003, images=6000, split="report")
    return Contender(
        id=contender_id,
        label=label,
        role=role,  # type: ignore[arg-type] # a Literal that the callers above spell out
        cost=cost_model(target_entry(config.target)).network_cost(spec, policy),
        policy=policy,
        report_accuracy=measured,
        evaluations=3,
        search_seconds=1.5,
    )
