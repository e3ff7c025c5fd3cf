"""Sizes that the paper and its code publish, met by torchvision's networks (Wang et al. 2019)."""

import pytest
import torch

from engine.catalog.targets import target_entry
from engine.cost.pricing import cost_model
from engine.nn.build import build_model
from engine.nn.describe import describe
from engine.schema.layers import InputSpec, ModelSpec
from engine.schema.policy import LayerBits, Policy

MIB = 2**20
IMAGENET = InputSpec(channels=3, size=224)
# The weight bits that the repository's README prints for ResNet-50 at a tenth of 32 bits.
PRINTED = """
6 6 5 5 5 5 4 5 5 4 5 5 5 5 5 5 3 5 4 3 5 4 3 4 4 4 2 5 4 3 3 5 3 2 5 3 2 4 3 2 5 3 2 5 3 4 2 5 2 3
4 2 3 4
"""


def spec_of(model: str) -> ModelSpec:
    with torch.device("meta"):  # shapes are enough
        network = build_model(model, input=IMAGENET, classes=1000)
    return describe(network, model_id=model, input=IMAGENET, classes=1000)


@pytest.mark.parametrize(
    ("model", "mib"), [("mobilenet_v1", 16.14), ("mobilenet_v2", 13.37), ("resnet50", 97.49)]
)
def test_a_float_network_is_as_large_as_the_paper_says(model: str, mib: float) -> None:
    cost = cost_model(target_entry("counted")).network_cost(spec_of(model), None)

    assert cost["model_bytes"] / MIB == pytest.approx(mib, abs=5e-3)


def test_the_printed_policy_makes_resnet50_a_tenth_of_its_weights() -> None:
    spec = spec_of("resnet50")
    widths = [int(word) for word in PRINTED.split()]
    policy = Policy(
        layers={
            layer.name: LayerBits(weight_bits=bits)
            for layer, bits in zip(spec.layers, widths, strict=True)
        }
    )

    cost = cost_model(target_entry("counted")).network_cost(spec, policy)

    weights_bytes = cost["model_bytes"] - 4 * spec.other_parameters  # the paper counts these alone
    assert weights_bytes / 1e6 == pytest.approx(10.158, abs=5e-4)
    assert weights_bytes / (4 * spec.weights) == pytest.approx(0.09958, abs=5e-6)
