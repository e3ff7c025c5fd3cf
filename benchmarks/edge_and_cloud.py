"""Bits for the edge and for the cloud: the same network, on BISMO's two devices, at 224 px.

Sensitivities are measured on the small MobileNets, trained for Fashion-MNIST: they have the layers
of the large ones, at a quarter and a third of the width and at 32 px. Costs are those of the large
networks at 224 px, where the two devices differ: at 32 px weights dominate on both. Each policy is
the solver's at the latency of uniform 4 bit, ends at 8 bits apart.

Draws docs/img/edge-and-cloud.svg and prints a JSON object: mean activation bits by kind of layer,
over all layers and over the last third, with measured sensitivities and with all layers alike.
With --measure sensitivities are measured anew (a few minutes) and kept beside this file.

    python -m benchmarks.edge_and_cloud [--measure]
"""

import argparse
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from statistics import fmean

import numpy as np

from benchmarks.edge_and_cloud_figure import Panel, figure
from engine.catalog.baselines import uniform_policy
from engine.catalog.models import layer_table
from engine.catalog.targets import target_entry
from engine.cost.model import FloatArray
from engine.cost.pricing import cost_model
from engine.schema.codec import from_json, to_json
from engine.schema.cost import Budget
from engine.schema.layers import LayerKind, LayerSpec, ModelSpec
from engine.schema.policy import Policy
from engine.schema.quantize_config import QuantizeConfig, QuantizeEffort
from engine.schema.results import LayerSensitivity
from engine.solver.knapsack import solve
from engine.solver.losses import additive_losses
from engine.solver.problem import policy_problem
from engine.solver.reach import reach

MEASURED_ON: Mapping[str, str] = {
    "mobilenet_v1": "mobilenet_v1_small",
    "mobilenet_v2": "mobilenet_v2_small",
}
TARGETS = ("bismo-edge", "bismo-cloud")
WIDTHS = (2, 3, 4, 5, 6, 7, 8)
_IMAGES = 1024
_FIGURE = Path(__file__).parents[1] / "docs" / "img" / "edge-and-cloud.svg"


def network(model: str) -> ModelSpec:
    """Return a large network of the catalogue."""
    spec = layer_table(model)
    assert spec is not None
    return spec


def measured_losses(model: str) -> FloatArray:
    """Return the losses of a network's layers by widths, in nats, as they were measured."""
    saved = json.loads(_kept(MEASURED_ON[model]).read_text())
    return additive_losses([from_json(LayerSensitivity, one) for one in saved["layers"]])


def losses_alike(spec: ModelSpec) -> FloatArray:
    """Return losses that are the same in every layer: a quarter with every further bit."""
    noise = 4.0 ** -np.arange(1, 9)
    return np.broadcast_to(noise[:, None] + noise, (len(spec.layers), 8, 8)).copy()


def found(spec: ModelSpec, target: str, losses: FloatArray) -> Policy:
    """Return the solver's policy at the latency of uniform 4 bit."""
    costs = cost_model(target_entry(target))
    limit = costs.network_cost(spec, uniform_policy(spec, 4, 4))["latency_ms"]
    problem = policy_problem(spec, costs, ("latency_ms",), WIDTHS, WIDTHS, losses=losses)
    return solve(problem, [Budget(metric="latency_ms", limit=limit)])


def mean_bits(policy: Policy, layers: tuple[LayerSpec, ...], kind: LayerKind) -> float:
    """Return the mean activation bits of the layers of a kind."""
    return fmean(policy[layer.name].activation_bits for layer in layers if layer.kind == kind)


def last_third(spec: ModelSpec) -> tuple[LayerSpec, ...]:
    """Return the last third of the layers between the ends."""
    inner = spec.layers[1:-1]
    return inner[-(len(inner) // 3) :]


def measure(small: str) -> None:
    """Measure a small network's sensitivities by a run of its own, and keep them."""
    from engine.run import run  # noqa: PLC0415  # torch: needed here alone
    from engine.schema.events import CheckpointSaved, SensitivityMeasured  # noqa: PLC0415
    from engine.schema.places import Places  # noqa: PLC0415

    spec = network(small)
    span = reach(spec, cost_model(target_entry("counted")), "bit_ops", WIDTHS, WIDTHS)
    config = QuantizeConfig(
        model=small,
        dataset="fashion-mnist",
        target="counted",
        budgets=(Budget(metric="bit_ops", limit=span.baselines[4]),),
        effort=QuantizeEffort(sensitivity_images=_IMAGES),
    )
    ends = {
        layer.name: LayerSensitivity(layer=layer.name, weight_losses={}, activation_losses={})
        for layer in (spec.layers[0], spec.layers[-1])
    }
    with tempfile.TemporaryDirectory() as folder:
        places = Places(data_root=Path(folder), weights_store=Path(folder))
        for event in run(config, Path(folder) / "run", places=places):
            if isinstance(event, SensitivityMeasured):
                ends[event.layer] = LayerSensitivity(
                    layer=event.layer,
                    weight_losses=event.weight_losses,
                    activation_losses=event.activation_losses,
                )
            if isinstance(event, CheckpointSaved):
                break
    layers = [to_json(ends[layer.name]) for layer in spec.layers]
    keep(small, layers)


def keep(small: str, layers: list[object]) -> None:
    """Write measured sensitivities, with what they were measured on."""
    about = (
        f"{small}, shipped weights, {_IMAGES} search images of Fashion-MNIST: "
        "KL(float || one operand quantised), nats"
    )
    _kept(small).write_text(json.dumps({"about": about, "layers": layers}, indent=1) + "\n")


def _kept(small: str) -> Path:
    return Path(__file__).parent / "sensitivities" / f"{small}.json"


def _table(model: str) -> dict[str, dict[str, float]]:
    spec = network(model)
    rows = {}
    for title, losses in (
        ("measured", measured_losses(model)),
        ("all layers alike", losses_alike(spec)),
    ):
        for target in TARGETS:
            policy = found(spec, target, losses)
            kinds: tuple[LayerKind, ...] = ("depthwise", "pointwise")
            rows[f"{target}, {title}"] = {
                f"{kind}{suffix}": round(mean_bits(policy, layers, kind), 1)
                for suffix, layers in (
                    ("", spec.layers[1:-1]),
                    (", last third", last_third(spec)),
                )
                for kind in kinds
            }
    return rows


def _panel(model: str, target: str) -> Panel:
    spec = network(model)
    policy = found(spec, target, measured_losses(model))
    title = {"mobilenet_v1": "MobileNetV1", "mobilenet_v2": "MobileNetV2"}[model]
    place = "edge" if target == "bismo-edge" else "cloud"
    return Panel(
        title=f"{title}, BISMO {place}",
        bits=tuple(policy[layer.name].activation_bits for layer in spec.layers[1:-1]),
        depthwise=tuple(layer.kind == "depthwise" for layer in spec.layers[1:-1]),
    )


def main() -> None:
    """Measure if asked, draw the figure, print the means."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--measure", action="store_true", help="measure the sensitivities anew")
    if parser.parse_args().measure:
        for small in MEASURED_ON.values():
            measure(small)
    panels = [_panel(model, target) for target in TARGETS for model in MEASURED_ON]
    _FIGURE.write_text(figure(panels))
    print(json.dumps({model: _table(model) for model in MEASURED_ON}, indent=2))


if __name__ == "__main__":
    main()
