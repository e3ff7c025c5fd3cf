"""Architectures as JSON: the project's own form, and the authors' `net.config`.

The own form names a space of the catalogue and an operation for each block:

    {"kind": "architecture", "space": "tiny", "input": {"channels": 1, "size": 32}, "classes": 10,
     "ops": ["mbconv-k3-e3", "zero", ...]}

or writes the network out, and its space with it:

    {"kind": "architecture", "space": "mine", "input": ..., "classes": 10, "form": "mobile",
     "stem": {"width": 32, "stride": 2}, "feature_mix": 1280,
     "blocks": [{"width": 24, "stride": 2, "op": "mbconv-k5-e3"}, ...]}

A tree block has a list of twelve operations. A written-out block may list the `candidates` among
which its operation was chosen, where they are not the paper's.
"""

import json
from dataclasses import replace
from pathlib import Path

from engine.catalog.config_part import Json, Part
from engine.catalog.mobile_config import MOBILE_NAME, mobile_config, read_mobile_config
from engine.catalog.space_rows import Label, Row, row_with, space_of_rows
from engine.catalog.spaces import RECIPES, TREE_OPS, space_for
from engine.catalog.tree_config import TREE_NAME, read_tree_config, tree_config
from engine.schema.architecture import (
    Architecture,
    BlockForm,
    BlockSpec,
    OpSpec,
    SearchSpace,
    choose,
    op_by_id,
)
from engine.schema.errors import InvalidConfig
from engine.schema.layers import InputSpec

KIND = "architecture"
LARGEST_FILE = 8 * 2**20  # bytes; the largest published one has one

_FORMS: dict[str, BlockForm] = {"mobile": "mobile", "tree": "tree"}


def read_architecture(path: Path) -> Architecture:
    """Return the network of a file in either form.

    Raises:
        InvalidConfig: no such file, not JSON, or naming the place in it that is wrong.
    """
    try:
        return architecture_from_json(_json(path), name=path.stem)
    except InvalidConfig as error:
        field = "model" if error.field == "model" else f"model: {path}: {error.field}"
        raise InvalidConfig(field, error.message) from error


def architecture_from_json(data: object, *, name: str = "file") -> Architecture:
    """Return the network that JSON of either form describes; `name` is for a `net.config`.

    Raises:
        InvalidConfig: naming the place that is wrong.
    """
    file = Part(data) if isinstance(data, dict) else None
    if file is None:
        raise InvalidConfig("file", "must hold one JSON object")
    label = Label(name, name, "Read from a file.", "net.config")
    if file.data.get("name") == MOBILE_NAME:
        return _in_catalogue(read_mobile_config(file, label))
    if file.data.get("name") == TREE_NAME:
        return _in_catalogue(read_tree_config(file, label))
    if file.data.get("kind") != KIND:
        raise InvalidConfig(
            "kind",
            f"must be {KIND!r}, or the file a net.config named {MOBILE_NAME} or {TREE_NAME}",
        )
    return _own_form(file)


def architecture_to_json(architecture: Architecture) -> Json:
    """Return an architecture in the project's own form; reading it gives an equal one."""
    space = architecture.space
    head = {
        "kind": KIND,
        "space": space.id,
        "input": {"channels": space.input.channels, "size": space.input.size},
        "classes": space.classes,
    }
    named = [_named(ops, block) for block, ops in _by_block(architecture)]
    if _catalogued(space) == space:
        return head | {"ops": named}
    return head | {
        "title": space.title,
        "description": space.description,
        "source": space.source,
        "form": space.form,
        "stem": {"width": space.first_conv.out_channels, "stride": space.first_conv.stride},
        "feature_mix": None if space.feature_mix is None else space.feature_mix.out_channels,
        "blocks": [
            _written_out(block, ops, named_ops)
            for (block, ops), named_ops in zip(_by_block(architecture), named, strict=True)
        ],
    }


def net_config(architecture: Architecture) -> Json:
    """Return an architecture as the authors' code reads it, of either form."""
    write = tree_config if architecture.space.form == "tree" else mobile_config
    return write(architecture)


def _own_form(file: Part) -> Architecture:
    image = file.part("input")
    input = InputSpec(channels=image.whole("channels"), size=image.whole("size"))
    classes = file.whole("classes")
    if file.data.get("blocks") is None:
        space = space_for(file.word("space"), input=input, classes=classes)
        return choose(space, _ops(file, "ops", space.form))
    form = _FORMS[file.word("form", _FORMS)]
    stem = file.part("stem")
    label = Label(
        file.word("space"),
        *(str(file.data.get(key, "")) for key in ("title", "description", "source")),
    )
    rows, ops = _rows(file.parts("blocks"), form, stem.whole("width"))
    space = space_of_rows(
        label,
        form=form,
        input=input,
        classes=classes,
        stem=stem.whole("width"),
        stem_stride=_stride(stem),
        rows=rows,
        feature_mix=None if file.data.get("feature_mix") is None else file.whole("feature_mix"),
    )
    return choose(space, ops)


def _rows(blocks: list[Part], form: BlockForm, channels: int) -> tuple[list[Row], list[OpSpec]]:
    rows: list[Row] = []
    ops: list[OpSpec] = []
    for block in blocks:
        width, stride = block.whole("width"), _stride(block)
        if form == "tree":
            chosen, row = _op_list(block.data.get("op"), block.at("op")), Row(width, stride)
        else:
            chosen = (_op(block.word("op"), block.at("op")),)
            row = row_with(chosen[0], in_channels=channels, width=width, stride=stride)
        if block.data.get("candidates") is not None:
            row = row._replace(
                candidates=_op_list(block.values("candidates"), block.at("candidates"))
            )
        rows.append(row)
        ops += chosen
        channels = width
    return rows, ops


def _ops(part: Part, key: str, form: BlockForm) -> tuple[OpSpec, ...]:
    """Return a space's operations: one for each block, or a list for each tree block."""
    path = part.at(key)
    if form == "mobile":
        return _op_list(part.values(key), path)
    of_blocks = enumerate(part.values(key))
    return tuple(op for index, each in of_blocks for op in _op_list(each, f"{path}.{index}"))


def _op_list(data: object, path: str) -> tuple[OpSpec, ...]:
    if not isinstance(data, list):
        raise InvalidConfig(path, "must be a list of operations")
    return tuple(_op(each, f"{path}.{index}") for index, each in enumerate(data))


def _op(op_id: object, path: str) -> OpSpec:
    try:
        return op_by_id(str(op_id))
    except InvalidConfig as error:
        raise InvalidConfig(path, error.message) from error


def _stride(part: Part) -> int:
    stride = part.whole("stride")
    if stride > 2:
        raise InvalidConfig(part.at("stride"), f"must be 1 or 2, got {stride}")
    return stride


def _written_out(block: BlockSpec, ops: tuple[OpSpec, ...], named: str | list[str]) -> Json:
    row: Json = {"width": block.out_channels, "stride": block.stride, "op": named}
    usual: tuple[OpSpec, ...] | None = TREE_OPS
    if block.form == "mobile":
        usual = row_with(
            ops[0],
            in_channels=block.in_channels,
            width=block.out_channels,
            stride=block.stride,
        ).candidates
    return row if block.ops == usual else row | {"candidates": [op.id for op in block.ops]}


def _by_block(architecture: Architecture) -> list[tuple[BlockSpec, tuple[OpSpec, ...]]]:
    return list(zip(architecture.space.blocks, architecture.block_ops, strict=True))


def _named(ops: tuple[OpSpec, ...], block: BlockSpec) -> str | list[str]:
    return [op.id for op in ops] if block.form == "tree" else ops[0].id


def _catalogued(space: SearchSpace) -> SearchSpace | None:
    """Return the catalogue's space of that id for the same images and classes, if it has one."""
    if space.id not in RECIPES:
        return None
    try:
        return space_for(space.id, input=space.input, classes=space.classes)
    except InvalidConfig:  # images that the catalogue's strides do not fit
        return None


def _in_catalogue(architecture: Architecture) -> Architecture:
    """Return the same network in a space of the catalogue, if one has these blocks."""
    space = architecture.space
    for space_id in RECIPES:
        known = _catalogued(replace(space, id=space_id))
        if known is None:
            continue
        renamed = replace(
            space,
            id=known.id,
            title=known.title,
            description=known.description,
            source=known.source,
        )
        if renamed == known:
            return choose(known, architecture.ops)
    return architecture


def _json(path: Path) -> object:
    try:
        size = path.stat().st_size
        if size > LARGEST_FILE:
            raise InvalidConfig(
                "model", f"{path} has {size} bytes; an architecture is a small JSON file"
            )
        data: object = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidConfig("model", f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InvalidConfig(
            "model", f"{path} is not text; weights are given as a checkpoint, not as a model"
        ) from error
    except json.JSONDecodeError as error:
        raise InvalidConfig(
            "model", f"{path} is not JSON: {error.msg} in line {error.lineno}"
        ) from error
    except RecursionError as error:
        raise InvalidConfig("model", f"{path} is nested too deeply for a network") from error
    return data
