"""The search spaces against what their paper and its code say of them."""

import pytest

from engine.catalog.datasets import DATASETS
from engine.catalog.mobile_spaces import make_divisible
from engine.catalog.spaces import SPACES, space_entry, space_for
from engine.schema.architecture import ZERO, mbconv
from engine.schema.errors import InvalidConfig
from engine.schema.layers import InputSpec
from engine.schema.lowering import model_spec
from engine.schema.space_shape import SpaceShape
from tests.unit.engine.published_architectures import MOBILE_SPACES, everywhere, shallowest

every_space = pytest.mark.parametrize("space_id", SPACES)


@pytest.mark.parametrize("space_id", ["mobile-24", "mobile-32"])
def test_the_mobile_spaces_hold_as_many_networks_as_published(space_id: str) -> None:
    """Cai et al. 2019: 21 blocks with 6 operations, 15 of which can be skipped too."""
    space = space_entry(space_id)

    choices = [len(block.ops) for block in space.blocks]

    assert choices == [1, *[6, 7, 7, 7] * 5, 6]
    assert space.size == 6**6 * 7**15


def test_the_default_space_spans_the_macs_and_parameters_of_the_authors_code() -> None:
    space = space_entry("mobile-24")

    smallest = model_spec(shallowest(space, mbconv(3, 3)))
    largest = model_spec(everywhere(space, mbconv(7, 6)))

    assert smallest.macs / 1e6 == pytest.approx(102.5, abs=0.05)
    assert largest.macs / 1e6 == pytest.approx(606.6, abs=0.05)
    assert smallest.parameters / 1e6 == pytest.approx(2.15, abs=0.005)
    assert largest.parameters / 1e6 == pytest.approx(5.10, abs=0.005)


def test_the_widths_of_the_mobile_spaces_differ_in_the_first_stage_alone() -> None:
    widths = [
        [block.out_channels for block in space_entry(space_id).blocks]
        for space_id in ("mobile-24", "mobile-32")
    ]

    rest = [40] * 4 + [80] * 4 + [96] * 4 + [192] * 4 + [320]
    assert widths == [[16, *[24] * 4, *rest], [16, *[32] * 4, *rest]]


def test_the_tiny_space_stays_within_minutes_of_a_cpu() -> None:
    space = space_entry("tiny")

    smallest = model_spec(shallowest(space, mbconv(3, 3)))
    largest = model_spec(everywhere(space, mbconv(7, 6)))

    assert space.size == 6**3 * 7**3
    assert smallest.macs / 1e6 == pytest.approx(1.06, abs=0.005)
    assert largest.macs / 1e6 == pytest.approx(5.26, abs=0.005)


def test_the_space_for_small_images_keeps_its_first_maps_whole() -> None:
    space = space_entry("cifar-mobile")

    assert space.first_conv.output_size == 32
    assert [block.stride for block in space.blocks if block.stride > 1] == [2, 2]
    assert space.blocks[-1].output_size == 8


@every_space
def test_a_space_can_be_found_by_its_id_and_says_where_it_comes_from(space_id: str) -> None:
    space = space_entry(space_id)

    assert space.id == space_id
    assert space.title
    assert space.description
    assert space.source


@every_space
def test_blocks_follow_one_another(space_id: str) -> None:
    space = space_entry(space_id)
    channels, size = space.first_conv.out_channels, space.first_conv.output_size

    for block in space.blocks:
        assert (block.in_channels, block.input_size) == (channels, size)
        channels, size = block.out_channels, block.output_size

    if space.form == "mobile":
        assert space.feature_mix is not None
        assert space.feature_mix.in_channels == channels


@pytest.mark.parametrize("space_id", MOBILE_SPACES)
def test_zero_comes_last_where_a_block_can_be_skipped_and_nowhere_else(space_id: str) -> None:
    for block in space_entry(space_id).blocks:
        can_be_skipped = block.has_shortcut and not block.is_fixed
        assert (block.ops[-1] == ZERO) == can_be_skipped


def test_an_unknown_space_is_refused_with_those_there_are() -> None:
    with pytest.raises(InvalidConfig, match=r"space: 'void' is not known.*mobile-24"):
        space_entry("void")


def test_the_tree_space_has_the_decisions_of_the_paper() -> None:
    """Cai et al. 2019, section 4.1: 12 edges in each of 54 blocks, 7 operations on each."""
    space = space_entry("cifar-tree")

    assert len(space.decisions) == 648
    assert space.size == 7**648
    assert [block.planes for block in space.blocks[:6]] == [18, 18, 20, 22, 24, 24]
    assert [block.planes for block in space.blocks[-6:]] == [92, 94, 94, 96, 98, 100]
    assert [block.name for block in space.blocks if block.stride == 2] == ["blocks.18", "blocks.36"]


@pytest.mark.parametrize(
    ("width", "rounded"),
    [
        (26.88, 32),
        (35.84, 40),
        (17.92, 24),
        (32.4, 32),
        (134.4, 136),
        (268.8, 272),
        (28, 32),
        (1433.6, 1432),
        (1, 8),
    ],
)
def test_widths_are_rounded_as_the_authors_round_them(width: float, rounded: int) -> None:
    assert make_divisible(width) == rounded


@pytest.mark.parametrize(
    ("width", "stem", "widths", "mix"),
    [
        (1.35, 40, [24, 32, 56, 112, 128, 256, 432], 1728),  # the published GPU network
        (1.12, 40, [24, 32, 48, 88, 104, 216, 360], 1432),  # the published CPU network
        (0.5, 16, [8, 16, 24, 40, 48, 96, 160], 1280),  # the feature mix never shrinks
    ],
)
def test_one_multiplier_gives_the_widths_of_published_networks(
    width: float, stem: int, widths: list[int], mix: int
) -> None:
    space = space_for("mobile-24", shape=SpaceShape(width=width))

    # The fixed block, the first of each stage.
    firsts = [block.out_channels for block in (space.blocks[0], *space.blocks[1::4])]
    assert space.first_conv.out_channels == stem
    assert firsts == widths
    assert space.features == mix


def test_a_shape_sets_widths_blocks_and_strides_stage_by_stage() -> None:
    shape = SpaceShape(widths=(24, 48), cells=(1, 2), strides=(2, 2), stem=8, feature_mix=64)

    with pytest.raises(InvalidConfig, match="widths: the space has 3 stages; give one number"):
        space_for("tiny", shape=shape)
    space = space_for(
        "tiny", shape=SpaceShape(widths=(24, 48, 96), cells=(1, 2, 1), strides=(1, 2, 2), stem=8)
    )

    assert [block.out_channels for block in space.blocks] == [24, 48, 48, 96]
    assert [block.stride for block in space.blocks] == [1, 2, 1, 2]
    assert space.first_conv.out_channels == 8
    assert [len(block.ops) for block in space.blocks] == [6, 6, 7, 6]


@pytest.mark.parametrize(
    ("space_id", "shape", "title"),
    [
        ("tiny", SpaceShape(), "Tiny (grey, 32 px)"),
        ("tiny", SpaceShape(width=0.5), "Tiny (grey, 32 px), ×0.5"),
        (
            "tiny",
            SpaceShape(widths=(16, 24, 40), cells=(1, 2, 1)),
            "Tiny (grey, 32 px), stages 16–24–40 wide, 1–2–1 blocks a stage",
        ),
        (
            "cifar-tree",
            SpaceShape(channels=96),
            "ProxylessNAS tree cells (32 px), last block 96 wide",
        ),
    ],
)
def test_a_space_is_called_by_what_departs_from_the_catalogue(
    space_id: str, shape: SpaceShape, title: str
) -> None:
    assert space_for(space_id, shape=shape).title == title


def test_the_tree_space_takes_other_depths_and_channels() -> None:
    space = space_for("cifar-tree", shape=SpaceShape(cells=(2, 2, 2), channels=96))

    assert len(space.decisions) == 72
    assert [block.out_channels for block in space.blocks] == [64, 72, 80, 80, 88, 96]


@pytest.mark.parametrize(
    ("space_id", "dataset_id", "channels", "size"),
    [
        ("tiny", "fashion-mnist", 1, 32),
        ("tiny", "cifar10", 3, 32),
        ("cifar-mobile", "fashion-mnist", 1, 32),
        ("cifar-tree", "fashion-mnist", 1, 32),
        ("mobile-24", "fashion-mnist", 3, 224),  # sees grey as three equal channels
    ],
)
def test_a_space_follows_the_data(space_id: str, dataset_id: str, channels: int, size: int) -> None:
    space = space_for(space_id, dataset=DATASETS[dataset_id])

    assert space.input == InputSpec(channels=channels, size=size)
    assert (space.first_conv.in_channels, space.first_conv.input_size) == (channels, size)
    assert space.classes == 10


@pytest.mark.parametrize(
    ("space_id", "size", "classes", "shape", "message"),
    [
        ("mobile-24", 32, 10, {}, "input: mobile-24 makes a map of 1 px from images of 32 px"),
        ("cifar-tree", 30, 10, {}, "input: cifar-tree halves its maps 2 times; take images whose"),
        ("tiny", 32, 1, {}, "dataset: a network tells at least 2 classes apart, got 1"),
        ("tiny", 0, 10, {}, "input: needs channels and a size, got 1 and 0 px"),
        ("tiny", 32, 10, {"channels": 400}, "channels: tiny has none; give widths"),
        ("tiny", 32, 10, {"first_block": 8}, "first_block: tiny has no block without a choice"),
        ("cifar-tree", 32, 10, {"widths": (8,)}, "widths: cifar-tree has none; give channels"),
        ("cifar-tree", 32, 10, {"cells": (1, 1)}, "cells: there are 3 strides; give as many"),
        ("cifar-tree", 32, 10, {"channels": 60}, "channels: must be a multiple of 8 and at least"),
    ],
)
def test_what_does_not_fit_a_space_is_refused(
    space_id: str, size: int, classes: int, shape: dict[str, tuple[int, ...]], message: str
) -> None:
    with pytest.raises(InvalidConfig, match=message):
        space_for(
            space_id,
            input=InputSpec(channels=1, size=size),
            classes=classes,
            shape=SpaceShape(**shape),  # type: ignore[arg-type]  # the cases' own types
        )


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("width", 0.01, "must lie in 0.1 .. 4, got 0.01"),
        ("widths", (24, 0), "must lie in 1 .. 8192, got 0"),
        ("strides", (3,), "must lie in 1 .. 2, got 3"),
        ("cells", (65,), "must lie in 1 .. 64, got 65"),
        ("cells", (64, 64, 64, 64, 1), "must be at most 256 in all, got 257"),
        ("cells", (), "needs 1 to 12 numbers, one for each stage, got 0"),
        ("strides", (1,) * 13, "needs 1 to 12 numbers, one for each stage, got 13"),
    ],
)
def test_a_shape_of_no_network_is_refused(field: str, value: object, message: str) -> None:
    with pytest.raises(InvalidConfig, match=f"{field}: {message}"):
        SpaceShape(**{field: value})  # type: ignore[arg-type]  # the cases' own types
