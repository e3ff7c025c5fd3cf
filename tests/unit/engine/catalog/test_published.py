"""The networks that the ProxylessNAS authors published: the counts that their logs print."""

import os
from pathlib import Path

import pytest

from engine.catalog.architecture_file import read_architecture
from engine.catalog.models import MODELS, layer_table
from engine.catalog.published import PUBLISHED, published
from engine.schema.lowering import model_spec

CIFAR_CONFIG = "BESPOKE_PROXYLESS_CIFAR_CONFIG"


@pytest.mark.parametrize(
    ("model_id", "parameters", "macs", "stem", "features"),
    [
        ("proxyless_mobile", 4_080_512, 320.43, 32, 1280),
        ("proxyless_mobile_14", 6_857_568, 580.88, 48, 1792),
        ("proxyless_gpu", 7_119_848, 465.26, 40, 1728),
        ("proxyless_cpu", 4_361_648, 439.24, 40, 1432),
        ("proxyless_cifar", 5_731_530, 1213.16, 16, 400),
    ],
)
def test_a_published_network_has_its_parameters_and_macs(
    model_id: str, parameters: int, macs: float, stem: int, features: int
) -> None:
    spec = layer_table(model_id)

    assert spec is not None
    assert spec.model == model_id
    assert spec.parameters == parameters
    assert spec.macs / 1e6 == pytest.approx(macs, abs=0.005)
    assert spec.layers[0].out_channels == stem
    assert spec.layers[-1].in_channels == features


def test_every_published_network_is_in_the_catalogue() -> None:
    assert set(PUBLISHED) == {model_id for model_id in MODELS if model_id.startswith("proxyless_")}


def test_the_cifar_network_uses_its_operations_as_often_as_the_paper_shows() -> None:
    """Counted in the released config: edges of the first and of the second nodes of a branch."""
    ops = [op.id for op in published("proxyless_cifar").ops]

    first, second = ops[::3], [op for place, op in enumerate(ops) if place % 3]
    counts = [
        (op_id, first.count(op_id), second.count(op_id))
        for op_id in ("sepconv-k7", "maxpool-k3", "sepconv-k3-d2", "identity", "avgpool-k3")
    ]
    assert counts == [
        ("sepconv-k7", 45, 71),
        ("maxpool-k3", 40, 49),
        ("sepconv-k3-d2", 36, 54),
        ("identity", 30, 66),
        ("avgpool-k3", 19, 70),
    ]


@pytest.mark.skipif(
    CIFAR_CONFIG not in os.environ,
    reason=f"{CIFAR_CONFIG} names no copy of the authors' proxyless_cifar.config",
)
def test_the_authors_cifar_config_is_the_network_of_the_catalogue() -> None:
    architecture = read_architecture(Path(os.environ[CIFAR_CONFIG]))

    assert model_spec(architecture).parameters == 5_731_530
    assert architecture == published("proxyless_cifar")
