"""The search spaces against what their paper and its code say of them."""

import pytest

from engine.catalog.spaces import SPACES, space_entry
from engine.schema.architecture import ZERO, mbconv
from engine.schema.errors import InvalidConfig
from engine.schema.lowering import model_spec
from tests.unit.engine.published_architectures import everywhere, shallowest

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

    assert space.feature_mix is not None
    assert space.feature_mix.in_channels == channels


@every_space
def test_zero_comes_last_where_a_block_can_be_skipped_and_nowhere_else(space_id: str) -> None:
    for block in space_entry(space_id).blocks:
        can_be_skipped = block.has_shortcut and not block.is_fixed
        assert (block.ops[-1] == ZERO) == can_be_skipped


def test_an_unknown_space_is_refused_with_those_there_are() -> None:
    with pytest.raises(InvalidConfig, match=r"space: 'void' is not known.*mobile-24"):
        space_entry("void")
