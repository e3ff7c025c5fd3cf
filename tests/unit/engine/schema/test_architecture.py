"""Spaces and architectures as tables: what they refuse, what they tell."""

from dataclasses import replace

import pytest

from engine.catalog.spaces import SPACES, space_entry, space_for
from engine.schema.architecture import (
    IDENTITY,
    ZERO,
    Architecture,
    BlockSpec,
    OpSpec,
    choose,
    mbconv,
    op_by_id,
    sepconv,
)
from engine.schema.codec import from_json, to_json
from engine.schema.errors import InvalidConfig
from engine.schema.space_shape import SpaceShape
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
    [
        ("kernel_size", 4, "must be odd, got 4"),
        ("expansion", 0, "must be at least 1, got 0"),
        ("dilation", 0, "must be at least 1, got 0"),
    ],
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
    space = space_entry(space_id)
    architecture = everywhere(space, space.decisions[-1].ops[-2])

    assert from_json(Architecture, to_json(architecture)) == architecture


@pytest.mark.parametrize("space_id", SPACES)
def test_every_operation_is_known_by_its_name(space_id: str) -> None:
    for op in {op for block in space_entry(space_id).blocks for op in block.ops}:
        assert op_by_id(op.id) == op


@pytest.mark.parametrize(
    "op_id",
    ["", "conv-k3", "mbconv", "mbconv-k5-e3-d2", "zero-k3", "mbconv-k05-e3", "avgpool-k3\n"],
)
def test_a_name_of_no_operation_is_refused(op_id: str) -> None:
    with pytest.raises(InvalidConfig, match=r"op: .* is no operation; write it as mbconv-k5-e3"):
        op_by_id(op_id)


def test_a_tree_block_leaves_a_choice_for_each_of_its_edges() -> None:
    space = space_for("cifar-tree", shape=SpaceShape(cells=(1, 1, 1), channels=96))
    ops = [IDENTITY, *[sepconv(7)] * 34, sepconv(3, dilation=2)]

    architecture = choose(space, ops)

    assert [len(of_block) for of_block in architecture.block_ops] == [12, 12, 12]
    assert architecture.block_ops[0][0] == IDENTITY
    assert architecture.block_ops[2][11].id == "sepconv-k3-d2"
    with pytest.raises(InvalidConfig, match="choices: cifar-tree has 36 edges, got 35"):
        choose(space, ops[:35])
    with pytest.raises(InvalidConfig, match=r"ops: blocks\.0 of cifar-tree has no zero; it has id"):
        choose(space, [ZERO] * 36)


def test_a_block_has_operations_of_its_form_alone() -> None:
    with pytest.raises(InvalidConfig, match=r"blocks\.1: a mobile block cannot have sepconv-k3"):
        replace(BLOCK, ops=(sepconv(3),))
    with pytest.raises(InvalidConfig, match=r"blocks\.1: a tree block cannot have zero"):
        replace(BLOCK, form="tree", ops=(IDENTITY, ZERO))


def test_a_tree_block_never_cuts_channels_from_its_shortcut() -> None:
    with pytest.raises(InvalidConfig, match="no fewer than it takes, got 24 to 20"):
        replace(BLOCK, form="tree", ops=(IDENTITY,), out_channels=20)


def test_a_space_has_blocks_of_one_form() -> None:
    space = space_entry("tiny")
    tree = replace(BLOCK, form="tree", ops=(IDENTITY,))

    for blocks in ((), (*space.blocks, tree)):
        with pytest.raises(
            InvalidConfig, match="blocks: a space needs blocks, and all of one form"
        ):
            replace(space, blocks=blocks)
