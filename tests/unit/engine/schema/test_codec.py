"""Configs of every kind, from JSON and back."""

from typing import Any

import pytest

from engine.schema.codec import config_from_json, to_json
from engine.schema.errors import InvalidConfig
from engine.schema.search_config import SearchConfig
from engine.schema.space_shape import SpaceShape
from tests.configs import quantize_config

_SEARCH = {
    "kind": "search",
    "space": "tiny",
    "dataset": "fashion-mnist",
    "target": "pixel1",
    "budgets": [{"metric": "macs", "limit": 1.5e6}],
}


def test_the_kind_tells_which_config_is_meant() -> None:
    config = config_from_json(_SEARCH)

    assert isinstance(config, SearchConfig)
    assert config_from_json(to_json(config)) == config
    assert config.model == "tiny"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"kind": "guess"}, "kind"),
        ({"budgets": []}, "budgets"),
        ({"effort": {"epochs": 0}}, "effort.epochs"),
        ({"effort": {"batch_size": 4096, "train_images": 100}}, "effort.batch_size"),
        ({"shape": {"width": 0.0}}, "width"),
        ({"shape": {"depth": 3}}, "shape.depth"),
        ({"pricing_bits": 9}, "pricing_bits"),
        ({"weight_bits": [2]}, "weight_bits"),
    ],
)
def test_a_wrong_search_config_names_its_field(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidConfig) as caught:
        config_from_json({**_SEARCH, **changes})

    assert caught.value.field == field


def test_a_config_of_before_brings_its_width_into_the_shape() -> None:
    config = config_from_json({**_SEARCH, "width": 0.75})

    assert isinstance(config, SearchConfig)
    assert config.shape == SpaceShape(width=0.75)


@pytest.mark.parametrize(
    ("effort", "field"),
    [
        ({"finetune_distillation": 1.5}, "effort.finetune_distillation"),
        ({"finetune_distillation": -0.1}, "effort.finetune_distillation"),
        ({"finetune_temperature": 0}, "effort.finetune_temperature"),
        ({"finetune_ranges": "perhaps"}, "effort.finetune_ranges"),
    ],
)
def test_a_wrong_way_to_fine_tune_names_its_field(effort: dict[str, Any], field: str) -> None:
    config = to_json(quantize_config())

    with pytest.raises(InvalidConfig) as caught:
        config_from_json({**config, "effort": effort})

    assert caught.value.field == field
