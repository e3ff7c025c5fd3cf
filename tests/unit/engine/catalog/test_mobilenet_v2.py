"""MobileNetV2 as blocks has the layers that torchvision's definition has."""

import pytest

from engine.catalog.mobilenet_v2 import MULTIPLIERS, mobilenet_v2_blocks
from engine.catalog.models import layer_table, model_entry
from engine.schema.layers import InputSpec
from engine.schema.lowering import model_spec


@pytest.mark.parametrize("model", ["mobilenet_v2", "mobilenet_v2_small"])
def test_blocks_are_the_layers_of_the_table(model: str) -> None:
    entry, table = model_entry(model), layer_table(model)
    assert table is not None

    blocks = mobilenet_v2_blocks(width=entry.width, input=entry.input, classes=entry.classes)
    spec = model_spec(blocks)

    assert (spec.parameters, spec.macs) == (table.parameters, table.macs)
    shapes = [(layer.kind, layer.in_channels, layer.out_channels) for layer in spec.layers]
    assert shapes == [(each.kind, each.in_channels, each.out_channels) for each in table.layers]


def test_wider_networks_cost_more() -> None:
    image = InputSpec(channels=1, size=48)

    macs = [
        model_spec(mobilenet_v2_blocks(width=width, input=image, classes=10)).macs
        for width in MULTIPLIERS
    ]

    assert macs == sorted(set(macs))
