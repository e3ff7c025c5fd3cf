"""Architectures as layers, against parameters and MACs that papers and released logs print."""

from dataclasses import replace
from itertools import pairwise

import pytest

from engine.catalog.spaces import space_entry, space_for
from engine.schema.architecture import IDENTITY, ZERO, mbconv, sepconv
from engine.schema.lowering import (
    block_layers,
    block_parameters,
    frame_layers,
    frame_parameters,
    model_spec,
    shared_layers,
    shared_parameters,
)
from engine.schema.space_shape import SpaceShape
from tests.unit.engine.published_architectures import (
    MOBILE_SPACES,
    everywhere,
    proxyless_mobile,
    shallowest,
)

BLOCK = space_entry("mobile-24").blocks[1]  # 16 to 24 channels, 112 to 56 px


def test_the_published_mobile_network_has_its_parameters_and_macs() -> None:
    spec = model_spec(proxyless_mobile())

    assert spec.parameters == 4_080_512
    assert spec.macs / 1e6 == pytest.approx(320.43, abs=0.005)


def test_an_inverted_bottleneck_is_three_convolutions_in_a_row() -> None:
    expand, depthwise, project = block_layers(BLOCK, mbconv(5, 6), prefix="blocks.1.")

    assert [layer.kind for layer in (expand, depthwise, project)] == [
        "pointwise",
        "depthwise",
        "pointwise",
    ]
    assert [layer.name for layer in (expand, depthwise, project)] == [
        "blocks.1.inverted_bottleneck.conv",
        "blocks.1.depth_conv.conv",
        "blocks.1.point_linear.conv",
    ]
    assert (expand.in_channels, depthwise.groups, project.out_channels) == (16, 96, 24)
    assert (expand.output_size, depthwise.output_size, project.output_size) == (112, 56, 56)
    assert depthwise.macs == 25 * 96 * 56**2


def test_without_expansion_the_first_convolution_is_missing() -> None:
    layers = block_layers(BLOCK, mbconv(3, 1))

    assert [layer.kind for layer in layers] == ["depthwise", "pointwise"]


def test_a_skipped_block_has_no_layers_and_no_parameters() -> None:
    skippable = space_entry("mobile-24").blocks[2]

    assert block_layers(skippable, ZERO) == ()
    assert block_parameters(skippable, ZERO) == 0


def test_only_layers_behind_a_linear_one_take_negative_numbers() -> None:
    spec = model_spec(everywhere(space_entry("mobile-24"), mbconv(3, 3)))

    signed = [layer.name.split(".")[-2] for layer in spec.layers if layer.input_signed]
    # The image, the 21 blocks behind the first, the feature mix.
    assert signed == ["first_conv", *["inverted_bottleneck"] * 21, "feature_mix_layer"]


@pytest.mark.parametrize("space_id", MOBILE_SPACES)
def test_the_parts_of_a_network_add_up_to_it(space_id: str) -> None:
    architecture = everywhere(space_entry(space_id), mbconv(7, 3))
    spec = model_spec(architecture)
    pairs = list(zip(architecture.space.blocks, architecture.ops, strict=True))

    in_blocks = [layer for block, op in pairs for layer in block_layers(block, op)]
    in_frame = frame_layers(architecture.space)
    parameters = frame_parameters(architecture.space)
    parameters += sum(block_parameters(block, op) for block, op in pairs)

    assert len(spec.layers) == len(in_blocks) + len(in_frame)
    assert spec.macs == sum(layer.macs for layer in (*in_blocks, *in_frame))
    assert spec.parameters == parameters


@pytest.mark.parametrize("space_id", MOBILE_SPACES)
def test_each_layer_takes_the_map_that_the_one_before_makes(space_id: str) -> None:
    *convolutions, classifier = model_spec(everywhere(space_entry(space_id), mbconv(5, 6))).layers

    for before, after in pairwise(convolutions):
        assert after.in_channels == before.out_channels
        assert after.input_size == before.output_size
    assert classifier.in_channels == convolutions[-1].out_channels


def test_networks_of_other_shapes_have_other_hashes() -> None:
    space = space_entry("tiny")
    one, other = everywhere(space, mbconv(3, 3)), shallowest(space, mbconv(3, 3))

    assert model_spec(one).model_hash == model_spec(everywhere(space, mbconv(3, 3))).model_hash
    assert model_spec(one).model_hash != model_spec(other).model_hash


def test_a_space_without_a_feature_mix_ends_in_its_last_block() -> None:
    space = replace(space_entry("tiny"), feature_mix=None)

    first, classifier = frame_layers(space)

    assert first.name == "first_conv.conv"
    assert classifier.in_channels == space.blocks[-1].out_channels
    assert classifier.input_signed


def test_a_tree_cell_is_twelve_edges_between_its_bottlenecks() -> None:
    space = space_for("cifar-tree", shape=SpaceShape(cells=(1, 1), strides=(1, 2), channels=80))
    spec = model_spec(everywhere(space, sepconv(3, dilation=2)))

    second = [layer for layer in spec.layers if layer.name.startswith("blocks.2.")]
    into, root, first_edge, *_, out = second
    assert len(second) == 3 + 2 * 12
    assert (into.in_channels, into.out_channels, into.output_size) == (72, 20, 32)
    assert (root.kind, root.groups, root.out_channels, root.output_size) == ("grouped", 2, 40, 16)
    assert (first_edge.kind, first_edge.dilation, first_edge.input_size) == ("depthwise", 2, 16)
    assert out.out_channels == 80
    names = [layer.name.removeprefix("blocks.2.cell.child_nodes.0.") for layer in second[2:-1:2]]
    assert names[:4] == [
        "child_nodes.0.edges.0.depth_conv",
        "child_nodes.0.child_nodes.0.edges.0.depth_conv",
        "child_nodes.0.child_nodes.0.edges.1.depth_conv",
        "child_nodes.0.edges.1.depth_conv",
    ]


def test_only_batch_norm_without_relu_lets_a_tree_layer_see_negative_numbers() -> None:
    space = space_for("cifar-tree", shape=SpaceShape(cells=(1,), strides=(1,), channels=80))

    signed = {
        layer.name.rsplit(".", 2)[-2] + "." + layer.name.rsplit(".", 1)[-1]
        for layer in model_spec(everywhere(space, sepconv(5))).layers
        if layer.input_signed
    }

    assert signed == {"0.conv", "in_bottle.conv", "0.point_conv", "1.point_conv"}


def test_the_parts_of_a_tree_network_add_up_to_it() -> None:
    space = space_for("cifar-tree", shape=SpaceShape(cells=(2, 2), strides=(1, 2), channels=96))
    spec = model_spec(everywhere(space, sepconv(7)))
    edges = [
        layer for block in space.decisions for layer in block_layers(block, sepconv(7), prefix="")
    ]

    macs = sum(layer.macs for layer in (*edges, *shared_layers(space)))
    parameters = sum(block_parameters(block, sepconv(7)) for block in space.decisions)

    assert macs == spec.macs
    assert parameters + shared_parameters(space) == spec.parameters
    assert len(edges) + len(shared_layers(space)) == len(spec.layers)


def test_edges_without_weights_have_no_layers() -> None:
    space = space_for("cifar-tree", shape=SpaceShape(cells=(1,), strides=(1,), channels=80))

    spec = model_spec(everywhere(space, IDENTITY))

    assert [layer.name for layer in spec.layers] == [layer.name for layer in shared_layers(space)]
