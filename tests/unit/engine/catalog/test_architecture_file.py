"""Architectures as files: what is written is read again, and what is wrong is named."""

import json
import pickle
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.catalog.architecture_file import (
    LARGEST_FILE,
    architecture_from_json,
    architecture_to_json,
    net_config,
    read_architecture,
)
from engine.catalog.datasets import DATASETS
from engine.catalog.published import PUBLISHED, published
from engine.catalog.spaces import space_entry, space_for
from engine.schema.architecture import ZERO, Architecture, choose, mbconv, sepconv
from engine.schema.errors import InvalidConfig
from engine.schema.layers import InputSpec
from engine.schema.lowering import model_spec
from engine.schema.space_shape import SpaceShape
from tests.unit.engine.published_architectures import everywhere, shallowest

Json = dict[str, Any]

TREE = space_for("cifar-tree", shape=SpaceShape(cells=(1, 1), strides=(1, 2), channels=80))
NARROW = space_for("tiny", dataset=DATASETS["cifar10"], shape=SpaceShape(width=0.5))
OTHER_OPS = replace(
    space_entry("tiny"),
    id="mine",
    blocks=tuple(
        replace(block, ops=(mbconv(3, 2), mbconv(9, 3))) for block in space_entry("tiny").blocks
    ),
)
ARCHITECTURES = {
    "by the space's id": shallowest(space_entry("tiny"), mbconv(5, 3)),
    "another data set": shallowest(
        space_for("cifar-mobile", dataset=DATASETS["cluttered-fashion-mnist"]), mbconv(7, 6)
    ),
    "other widths": shallowest(NARROW, mbconv(3, 6)),
    "other candidates": everywhere(OTHER_OPS, mbconv(9, 3)),
    "no feature mix": everywhere(replace(space_entry("tiny"), feature_mix=None), mbconv(3, 3)),
    "a tree": everywhere(TREE, sepconv(3, dilation=2)),
}
OF_ALL_KINDS = pytest.mark.parametrize("name", ARCHITECTURES)


@OF_ALL_KINDS
def test_an_architecture_is_read_as_it_was_written(name: str) -> None:
    architecture = ARCHITECTURES[name]

    data = json.loads(json.dumps(architecture_to_json(architecture)))

    assert architecture_from_json(data) == architecture


@pytest.mark.parametrize("model_id", PUBLISHED)
def test_a_published_network_survives_both_forms(model_id: str, tmp_path: Path) -> None:
    architecture = published(model_id)
    path = tmp_path / "net.config"
    path.write_text(json.dumps(net_config(architecture)))

    assert architecture_from_json(architecture_to_json(architecture)) == architecture
    assert model_spec(read_architecture(path)).layers == model_spec(architecture).layers


@pytest.mark.parametrize("model_id", ["proxyless_mobile", "proxyless_cifar"])
def test_a_net_config_with_the_blocks_of_a_known_space_is_found_to_be_of_it(model_id: str) -> None:
    assert architecture_from_json(net_config(published(model_id))) == published(model_id)


def test_an_architecture_can_be_written_by_hand() -> None:
    architecture = architecture_from_json(
        {
            "kind": "architecture",
            "space": "mine",
            "input": {"channels": 1, "size": 32},
            "classes": 7,
            "form": "mobile",
            "stem": {"width": 8, "stride": 2},
            "blocks": [
                {"width": 8, "stride": 1, "op": "zero"},
                {"width": 16, "stride": 2, "op": "mbconv-k5-e3"},
            ],
        }
    )

    assert architecture.ops == (ZERO, mbconv(5, 3))
    assert [len(block.ops) for block in architecture.space.blocks] == [7, 6]
    assert model_spec(architecture).layers[-1].out_channels == 7


def test_a_net_config_says_zero_and_shortcuts_as_the_authors_code_does() -> None:
    config = net_config(published("proxyless_mobile"))

    assert config["blocks"][1]["shortcut"] is None
    assert config["blocks"][3]["mobile_inverted_conv"] == {"name": "ZeroLayer", "stride": 1}
    assert config["blocks"][3]["shortcut"]["name"] == "IdentityLayer"
    assert config["bn"] == {"momentum": 0.1, "eps": 0.001}


def test_older_configs_lack_keys_and_newer_ones_write_the_middle_width_out() -> None:
    config = net_config(published("proxyless_mobile"))
    for key in ("dilation", "groups", "bias", "has_shuffle"):
        del config["first_conv"][key]
    del config["blocks"][1]["mobile_inverted_conv"]["mid_channels"]
    del config["blocks"][1]["shortcut"]
    config["blocks"][2]["mobile_inverted_conv"]["mid_channels"] = 96

    assert architecture_from_json(config) == published("proxyless_mobile")


MOBILE_FAULTS = {
    "first_conv.kernel_size": (5, "must be 3 in a network of this kind, got 5"),
    "first_conv.act_func": ("relu", "must be 'relu6' in a network of this kind, got 'relu'"),
    "first_conv.out_channels": (None, "must be a whole number in 1 .. 65536, got null"),
    "classifier.in_features": (64, "must be 1280 in a network of this kind, got 64"),
    "classifier.out_features": (True, "must be a whole number in 1 .. 65536, got True"),
    "blocks": ([], "needs at least 1 entries, got 0"),
    "blocks.1": ("k5", "must be a JSON object, got 'k5'"),
    "blocks.1.mobile_inverted_conv.name": (
        "ShuffleLayer",
        "must be one of MBInvertedConvLayer, ZeroLayer, got 'ShuffleLayer'",
    ),
    "blocks.1.mobile_inverted_conv.in_channels": (24, "must be 16 in a network of this kind"),
    "blocks.1.mobile_inverted_conv.kernel_size": (4, "must be odd, got 4"),
    "blocks.1.mobile_inverted_conv.expand_ratio": (2.5, "must be a whole number"),
    "blocks.1.mobile_inverted_conv.mid_channels": (50, "must be null or expand_ratio times"),
    "blocks.1.mobile_inverted_conv.use_se": (True, "is not known for a network of this kind"),
    "blocks.2.shortcut": (None, "must be a JSON object, got null"),
    "blocks.3.mobile_inverted_conv.stride": (2, "a skipped block has 1, got 2"),
}


@pytest.mark.parametrize("place", MOBILE_FAULTS)
def test_a_mobile_net_config_that_cannot_be_kept_names_its_place(place: str) -> None:
    value, message = MOBILE_FAULTS[place]
    config = put(net_config(published("proxyless_mobile")), place, value)

    with pytest.raises(InvalidConfig) as caught:
        architecture_from_json(config)

    assert caught.value.field == place
    assert message in caught.value.message


TREE_FAULTS = {
    "blocks.0.layers.0.kernel_size": (5, "must be 3"),
    "blocks.1.in_bottle.out_channels": (20, "must be 18"),
    "blocks.1.final_bn": (False, "must be True"),
    "blocks.1.cell.child_nodes.0.merge_type": ("concat", "must be 'add'"),
    "blocks.1.cell.child_nodes.0.child_nodes.0.edges.0.name": ("ConvLayer", "must be one of"),
    "blocks.1.cell.child_nodes.0.child_nodes.1.edges": ([], "needs at least 2 entries, got 0"),
    "blocks.3.layers.0.kernel_size": (4, "must be 16"),
}


@pytest.mark.parametrize("place", TREE_FAULTS)
def test_a_tree_net_config_that_cannot_be_kept_names_its_place(place: str) -> None:
    value, message = TREE_FAULTS[place]
    config = put(net_config(ARCHITECTURES["a tree"]), place, value)

    with pytest.raises(InvalidConfig) as caught:
        architecture_from_json(config)

    assert caught.value.field == place
    assert message in caught.value.message


def test_regularisers_of_training_do_not_matter() -> None:
    config = net_config(ARCHITECTURES["a tree"])
    config["cell_drop_rate"] = 0.2
    config["blocks"][1]["cell"]["path_drop_rate"] = 0.1

    read = architecture_from_json(config)

    assert model_spec(read).layers == model_spec(ARCHITECTURES["a tree"]).layers


OWN_FAULTS = {
    "kind": ("policy", "must be 'architecture', or the file a net.config named"),
    "space": ("void", "'void' is not known; choose one of tiny"),
    "input.size": (0, "must be a whole number in 1 .. 65536, got 0"),
    "classes": ("ten", "must be a whole number in 1 .. 65536, got 'ten'"),
    "ops": ("zero", "must be a list, got 'zero'"),
    "ops.2": ("mbconv", "'mbconv' is no operation; write it as mbconv-k5-e3"),
}


@pytest.mark.parametrize("place", OWN_FAULTS)
def test_an_architecture_file_that_cannot_be_kept_names_its_place(place: str) -> None:
    value, message = OWN_FAULTS[place]
    data = put(architecture_to_json(ARCHITECTURES["by the space's id"]), place, value)

    with pytest.raises(InvalidConfig) as caught:
        architecture_from_json(data)

    assert caught.value.field == place
    assert message in caught.value.message


def test_too_few_operations_are_counted() -> None:
    data = architecture_to_json(ARCHITECTURES["by the space's id"])

    with pytest.raises(InvalidConfig, match="choices: tiny has 6 blocks, got 5"):
        architecture_from_json(data | {"ops": data["ops"][:5]})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", r"is not JSON: .* in line 1"),
        (b"[1]", "file: must hold one JSON object"),
        (b"{}", "kind: must be 'architecture'"),
        (b"[" * 100_000, "is nested too deeply"),
        (pickle.dumps({"name": "net"}), "is not text; weights are given as a checkpoint"),
        (b" " * (LARGEST_FILE + 1), "an architecture is a small JSON file"),
    ],
)
def test_a_file_that_is_no_architecture_is_refused(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "net.config"
    path.write_bytes(content)

    with pytest.raises(InvalidConfig, match=f"model: .*{path}.*{message}"):
        read_architecture(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfig, match=r"model: cannot read .*none\.json: No such file"):
        read_architecture(tmp_path / "none.json")


def test_an_architecture_goes_with_other_images_and_classes() -> None:
    fitted: Architecture = published("proxyless_mobile").fitted(
        InputSpec(channels=1, size=96), classes=4
    )

    spec = model_spec(fitted)
    assert (spec.layers[0].in_channels, spec.layers[0].input_size) == (1, 96)
    assert (spec.layers[-2].input_size, spec.layers[-1].out_channels) == (3, 4)
    assert choose(fitted.space, fitted.ops) == fitted
    with pytest.raises(InvalidConfig, match="halves maps of an even side, got 31 px"):
        ARCHITECTURES["a tree"].fitted(InputSpec(channels=3, size=31), classes=10)


def put(data: Json, place: str, value: object) -> Json:
    """Return a copy with a value at a dotted path."""
    changed = deepcopy(data)
    *path, last = [int(step) if step.isdigit() else step for step in place.split(".")]
    target: Any = changed
    for step in path:
        target = target[step]
    target[last] = value
    return changed
