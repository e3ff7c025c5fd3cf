"""Sizes and operations against exact counts: the published sizes of Wang et al. 2019 in MiB."""

import pytest

from engine.catalog.baselines import uniform_policy
from engine.cost.model import CostModel
from engine.schema.layers import ModelSpec

MIB = 2**20


def test_mobilenet_v2_has_its_published_parameters_and_operations(mobilenet_v2: ModelSpec) -> None:
    assert mobilenet_v2.parameters == 3_504_872
    assert mobilenet_v2.macs == 300_774_272


def test_the_float_network_takes_four_bytes_a_parameter(
    counted: CostModel, mobilenet_v2: ModelSpec
) -> None:
    cost = counted.network_cost(mobilenet_v2, None)

    assert cost["model_bytes"] == 14_019_488
    assert cost["macs"] == 300_774_272
    assert "bit_ops" not in cost


@pytest.mark.parametrize(("width", "size"), [(8, 3_610_208), (4, 1_875_328)])
def test_all_but_the_weights_stays_at_32_bits(
    counted: CostModel, mobilenet_v2: ModelSpec, width: int, size: int
) -> None:
    policy = uniform_policy(mobilenet_v2, width, width, pinned=False)

    assert counted.network_cost(mobilenet_v2, policy)["model_bytes"] == size


@pytest.mark.parametrize(
    ("network", "float_mib", "two_bit_mib"),
    [("mobilenet_v1", 16.14, 1.09), ("mobilenet_v2", 13.37, 0.96)],
)
def test_sizes_are_the_published_ones(
    request: pytest.FixtureRequest,
    counted: CostModel,
    network: str,
    float_mib: float,
    two_bit_mib: float,
) -> None:
    spec: ModelSpec = request.getfixturevalue(network)
    two_bits = uniform_policy(spec, 2, 2, pinned=False)

    assert counted.network_cost(spec, None)["model_bytes"] / MIB == pytest.approx(
        float_mib, abs=5e-3
    )
    assert counted.network_cost(spec, two_bits)["model_bytes"] / MIB == pytest.approx(
        two_bit_mib, abs=5e-3
    )


def test_bit_operations_are_macs_times_both_widths(
    counted: CostModel, mobilenet_v2: ModelSpec
) -> None:
    policy = uniform_policy(mobilenet_v2, 3, 5, pinned=False)

    assert counted.network_cost(mobilenet_v2, policy)["bit_ops"] == 300_774_272 * 3 * 5
