"""Spaces and architectures as tables: what they refuse, what they tell."""

from dataclasses import replace

import pytest

from engine.catalog.spaces import SPACES, space_entry
from engine.schema.architecture import ZERO, Architecture, BlockSpec, OpSpec, mbconv
from engine.schema.codec import from_json, to_json
from engine.schema.errors import InvalidConfig
from tests.unit.engine.published_architectures import everywhere

BLOCK = BlockSpec(
    name="blocks.1",
    in_channels=24,
    out_channels=24,
    input_size=56,
    stride=1,
    ops=(mbconv(3, 3), mbconv(7, 6), ZERO),
)


def test_operations_have_short_names() -> None:
    assert [op.id for op in BLOCK.ops] == ["mbconv-k3-e3", "mbconv-k7-e6", "zero"]


def test_a_block_that_keeps_the_shape_has_a_shortcut() -> None:
    wider = replace(BLOCK, out_channels=40, ops=(mbconv(3, 3),))
    smaller = replace(BLOCK, stride=2, ops=(mbconv(3, 3),))

    assert BLOCK.has_shortcut
    assert not wider.has_shortcut
    assert not smaller.has_shortcut


@pytest.mark.parametrize(("input_size", "stride", "output_size"), [(56, 2, 28), (7, 2, 4)])
def test_an_odd_map_is_halved_upwards(input_size: int, stride: int, output_size: int) -> None:
    block = replace(BLOCK, input_size=input_size, stride=stride, ops=(mbconv(3, 3),))

    assert block.output_size == output_size


def test_a_block_without_a_shortcut_cannot_be_skipped() -> None:
    with pytest.raises(InvalidConfig, match=r"blocks\.1: only a block with a shortcut"):
        replace(BLOCK, stride=2)


def test_a_block_without_operations_is_refused() -> None:
    with pytest.raises(InvalidConfig, match="needs at least one operation"):
        replace(BLOCK, ops=())


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [("kernel_size", 4, "must be odd, got 4"), ("expansion", 0, "must be at least 1, got 0")],
)
def test_an_operation_of_no_shape_is_refused(field: str, value: int, message: str) -> None:
    with pytest.raises(InvalidConfig, match=f"{field}: {message}"):
        replace(OpSpec(kind="mbconv"), **{field: value})


def test_an_architecture_names_one_operation_for_each_block() -> None:
    space = space_entry("tiny")

    with pytest.raises(InvalidConfig, match="choices: tiny has 6 blocks, got 5"):
        Architecture(space=space, choices=(0,) * 5)
    with pytest.raises(InvalidConfig, match=r"choices: blocks\.0 has 6 operations, got 6"):
        Architecture(space=space, choices=(6, 0, 0, 0, 0, 0))


@pytest.mark.parametrize("space_id", SPACES)
def test_an_architecture_survives_json(space_id: str) -> None:
    architecture = everywhere(space_entry(space_id), mbconv(5, 6))

    assert from_json(Architecture, to_json(architecture)) == architecture
