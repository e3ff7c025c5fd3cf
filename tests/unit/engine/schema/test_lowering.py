"""Architectures as layers, against parameters and MACs that papers and released logs print."""

from dataclasses import replace
from itertools import pairwise

import pytest

from engine.catalog.spaces import SPACES, space_entry
from engine.schema.architecture import ZERO, mbconv
from engine.schema.lowering import (
    block_layers,
    block_parameters,
    frame_layers,
    frame_parameters,
    model_spec,
)
from tests.unit.engine.published_architectures import everywhere, proxyless_mobile, shallowest

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


@pytest.mark.parametrize("space_id", SPACES)
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


@pytest.mark.parametrize("space_id", SPACES)
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
