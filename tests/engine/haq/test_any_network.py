"""Every network of the catalogue, and more: listed, quantised, folded, written out, read back."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from engine.catalog.architecture_file import architecture_to_json
from engine.catalog.datasets import dataset_entry
from engine.catalog.model_files import entry_of
from engine.catalog.models import MODELS
from engine.catalog.spaces import space_for
from engine.catalog.targets import target_entry
from engine.cost.pricing import cost_model
from engine.data.image_set import Normalisation
from engine.export.quantized import load_quantized, save_quantized
from engine.haq.grid import set_policy
from engine.haq.policy_space import PolicySpace
from engine.haq.thresholds import compute_thresholds
from engine.haq.walk import LayerWalk
from engine.nn.build import build_model
from engine.nn.describe import describe
from engine.nn.folding import fold_batch_norms
from engine.nn.quantized import quantize_layers, quantized_layers
from engine.schema.architecture import Architecture
from engine.schema.cost import Budget
from engine.schema.layers import InputSpec, ModelSpec
from engine.schema.policy import Policy
from engine.solver.knapsack import solve
from engine.solver.problem import policy_problem
from tests.engine.quantized_networks import with_statistics

WIDTHS = (2, 3, 4, 5, 6, 7, 8)
CLASSES = 10
# Networks for 224 px, at a size whose last map is two pixels wide.
SMALL_PX = 64
# Some are of torchvision alone: squeeze-excite, hard swish, grouped and branched ones among them.
TORCHVISION = (
    "resnet50",
    "mobilenet_v3_small",
    "mobilenet_v3_large",
    "efficientnet_b0",
    "shufflenet_v2_x0_5",
    "mnasnet0_5",
    "regnet_y_400mf",
    "densenet121",
    "googlenet",
    "squeezenet1_1",
)
FOUND = "found"  # stands for the file that a search writes
HEAVY = {
    "proxyless_cifar",
    "resnet18",
    "resnet50",
    "densenet121",
    "googlenet",
    "efficientnet_b0",
    "mobilenet_v3_large",
    "regnet_y_400mf",
    "proxyless_gpu",
    "proxyless_mobile_14",
}


NETWORKS = [
    pytest.param(model, marks=[pytest.mark.long] if model in HEAVY else [], id=model)
    for model in (*MODELS, *TORCHVISION, FOUND)
]


@pytest.fixture
def model_id(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The id of a network; a search's result is a file."""
    if request.param != FOUND:
        return str(request.param)
    space = space_for("cifar-mobile", dataset=dataset_entry("fashion-mnist"))
    choices = tuple(index % len(block.ops) for index, block in enumerate(space.decisions))
    path = tmp_path / "architecture.json"
    path.write_text(json.dumps(architecture_to_json(Architecture(space=space, choices=choices))))
    return f"file:{path}"


def input_of(model_id: str) -> InputSpec:
    entry = entry_of(model_id)
    return entry.input if entry.small else InputSpec(channels=3, size=SMALL_PX)


def built(model_id: str) -> nn.Module:
    torch.manual_seed(0)
    network = build_model(model_id, input=input_of(model_id), classes=CLASSES)
    return with_statistics(network).eval()


def images(input: InputSpec) -> Tensor:
    draw = torch.Generator().manual_seed(1)
    return torch.randn(3, input.channels, input.size, input.size, generator=draw)


def half_budget_policy(spec: ModelSpec) -> Policy:
    """Return what the solver finds at half of the way from the narrowest to the widest."""
    costs = cost_model(target_entry("bismo-cloud"))
    problem = policy_problem(spec, costs, ("latency_ms",), WIDTHS, WIDTHS)
    table = problem.costs["latency_ms"]
    lowest, highest = (
        problem.cost(index, "latency_ms") for index in (table.argmin(axis=1), table.argmax(axis=1))
    )
    budget = Budget(metric="latency_ms", limit=(lowest + highest) / 2)
    policy = solve(problem, [budget])
    assert costs.network_cost(spec, policy)["latency_ms"] <= budget.limit * (1 + 1e-9)
    walk = LayerWalk(
        spec.layers,
        PolicySpace(problem, [budget], weight_bits=WIDTHS, activation_bits=WIDTHS),
    )
    steps = walk.transitions(policy, reward=1.0)
    assert torch.isfinite(steps.states_KS).all()
    assert walk.walk(replayed(steps.actions_K1)) == policy
    return policy


def replayed(actions_K1: Tensor) -> Callable[[Tensor], float]:
    """Act as it was acted before."""
    actions = iter(actions_K1.flatten().tolist())
    return lambda _: next(actions)


def close(found: Tensor, wanted: Tensor, *, by: float) -> bool:
    return bool((found - wanted).norm() <= by * wanted.norm())


@pytest.mark.parametrize("model_id", NETWORKS, indirect=True)
@torch.no_grad()
def test_a_network_is_listed_quantised_folded_and_written_out(
    model_id: str, tmp_path: Path
) -> None:
    image = input_of(model_id)
    network, images_NCHW = built(model_id), images(input_of(model_id))
    wanted = network(images_NCHW)
    assert torch.isfinite(wanted).all()

    spec = describe(network, model_id=model_id, input=image, classes=CLASSES)
    weighty = {n for n, m in network.named_modules() if isinstance(m, nn.Conv2d | nn.Linear)}
    assert {layer.name for layer in spec.layers} == weighty
    policy = half_budget_policy(spec)

    layers = quantize_layers(network, spec.layers)
    assert torch.equal(network(images_NCHW), wanted)  # without widths they are float
    thresholds = compute_thresholds(
        network, layers, [images_NCHW], clipping="mse", granularity="channel"
    )
    set_policy(layers, policy, thresholds)
    quantised = network(images_NCHW)
    assert torch.isfinite(quantised).all()
    assert not torch.equal(quantised, wanted)

    save_quantized(
        network,
        tmp_path / "net.safetensors",
        spec=spec,
        dataset="fashion-mnist",
        policy=policy,
        normalisation=Normalisation(mean=(0.0,) * image.channels, std=(1.0,) * image.channels),
    )
    loaded = load_quantized(tmp_path / "net.safetensors")
    assert {name: layer.bits for name, layer in quantized_layers(loaded).items()} == policy.layers
    assert torch.equal(loaded(images_NCHW), quantised)

    norms = sum(isinstance(module, nn.BatchNorm2d) for module in network.modules())
    folded = fold_batch_norms(network)
    assert folded >= 0.9 * norms or "cifar" in model_id or "densenet" in model_id
    for layer in layers.values():
        layer.set_float()
    assert close(network(images_NCHW), wanted, by=1e-4)
