"""Tree cells: what flows where, and the names of the authors' modules."""

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from engine.catalog.architecture_file import architecture_to_json, net_config
from engine.catalog.spaces import space_for
from engine.nn.build import build_model
from engine.nn.describe import describe
from engine.nn.segments import trace
from engine.nn.tree_cell import NormConv, SepConv, TreeBlock, edge_operation, tree_network
from engine.schema.architecture import IDENTITY, OpSpec, choose, sepconv
from engine.schema.lowering import model_spec
from engine.schema.space_shape import SpaceShape
from engine.schema.tree_cell import EDGES

SPACE = space_for("cifar-tree", shape=SpaceShape(cells=(1, 1), strides=(1, 2), channels=80))
AVERAGE = OpSpec(kind="avgpool", kernel_size=3)
MAXIMUM = OpSpec(kind="maxpool", kernel_size=3)
MIXED = [IDENTITY, sepconv(3), sepconv(7), sepconv(3, dilation=2), AVERAGE, MAXIMUM] * 4


def test_the_layers_are_those_that_are_priced() -> None:
    architecture = choose(SPACE, MIXED)
    network = tree_network(architecture, generator=torch.Generator().manual_seed(1))

    spec = describe(network, model_id="cifar-tree", input=SPACE.input, classes=10)

    assert spec == model_spec(architecture)


@pytest.mark.parametrize("write", [architecture_to_json, net_config], ids=["own", "net.config"])
def test_a_network_is_built_from_its_file(write: object, tmp_path: Path) -> None:
    assert callable(write)
    path = tmp_path / "tree.json"
    path.write_text(json.dumps(write(choose(SPACE, MIXED))))

    network = build_model(f"file:{path}", input=SPACE.input, classes=10)

    assert network(torch.zeros(2, 3, 32, 32)).shape == (2, 10)


def test_weights_come_from_the_generator_alone() -> None:
    architecture = choose(SPACE, MIXED)
    one, same, other = (
        tree_network(architecture, generator=torch.Generator().manual_seed(seed)).state_dict()
        for seed in (1, 1, 2)
    )

    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["classifier.linear.weight"], other["classifier.linear.weight"])


def test_edges_lie_where_their_names_say() -> None:
    block = SPACE.blocks[0]
    edges = [edge_operation(block, sepconv(3)) for _ in EDGES]

    names = {module: name for name, module in TreeBlock(block, edges).named_modules()}

    assert [names[edge] for edge in edges] == [edge.name for edge in EDGES]


def test_every_edge_counts_once_and_what_follows_it_sees_its_output() -> None:
    """With edges that multiply, a cell of ones comes to a sum of products of theirs."""

    class Times(nn.Module):
        def __init__(self, factor: float) -> None:
            super().__init__()
            self.factor = factor

        def forward(self, map_NCHW: Tensor) -> Tensor:
            return self.factor * map_NCHW

    factors = [2.0, 3.0, 5.0, 7.0, 11.0, 13.0, 17.0, 19.0, 23.0, 29.0, 31.0, 37.0]
    block = TreeBlock(SPACE.blocks[0], [Times(factor) for factor in factors]).eval()
    split = block.cell.child_nodes[0]
    halves_NCHW = torch.cat([torch.ones(1, 18, 2, 2), 10 * torch.ones(1, 18, 2, 2)], dim=1)

    with torch.no_grad():
        result_NCHW = split(halves_NCHW)

    def branch(six: list[float]) -> float:
        return six[0] * (six[1] + six[2]) + six[3] * (six[4] + six[5])

    norm = 1 / (1 + 1e-5) ** 0.5  # batch norm with first statistics
    expected = norm * branch(factors[:6]) + 1 + 10 * (norm * branch(factors[6:]) + 1)
    assert float(result_NCHW[0, 0, 0, 0]) == pytest.approx(expected, rel=1e-5)


def test_a_dilated_edge_sees_as_far_as_a_kernel_of_five() -> None:
    edge = SepConv(1, kernel_size=3, dilation=2)
    nn.init.ones_(edge.depth_conv.weight)
    nn.init.ones_(edge.point_conv.weight)
    point_NCHW = torch.zeros(1, 1, 7, 7)
    point_NCHW[0, 0, 3, 3] = 1.0

    with torch.no_grad():
        seen_HW = edge.eval()(point_NCHW)[0, 0] > 0

    assert seen_HW.nonzero().tolist() == [[r, c] for r in (1, 3, 5) for c in (1, 3, 5)]


def test_average_pools_leave_the_border_out_of_their_count() -> None:
    pool = edge_operation(SPACE.blocks[0], AVERAGE)

    assert torch.equal(pool(torch.ones(1, 1, 4, 4)), torch.ones(1, 1, 4, 4))


def test_the_root_shuffles_the_channels_of_its_two_groups() -> None:
    root = NormConv(2, 6, groups=2, active=False).eval()
    with torch.no_grad():
        root.conv.weight.copy_(torch.arange(6.0).view(6, 1, 1, 1))

    result_NCHW = root(torch.ones(1, 2, 1, 1))

    assert result_NCHW.flatten().round().tolist() == [0, 3, 1, 4, 2, 5]


def test_a_tree_network_can_be_traced_for_folding() -> None:
    network = tree_network(choose(SPACE, MIXED), generator=torch.Generator().manual_seed(1))

    assert trace(network) is not None


def test_the_shortcut_of_a_stage_is_pooled_and_padded_with_zeros() -> None:
    block = TreeBlock(SPACE.blocks[1], [nn.Identity() for _ in EDGES]).eval()
    nn.init.zeros_(block.final_bn.weight)
    images_NCHW = torch.randn(2, 72, 8, 8)

    with torch.no_grad():
        result_NCHW = block(images_NCHW)

    assert result_NCHW.shape == (2, 80, 4, 4)
    assert torch.allclose(result_NCHW[:, :72], nn.functional.avg_pool2d(images_NCHW, 2))
    assert not result_NCHW[:, 72:].any()
