"""The catalogue's layer tables against the rows of the papers."""

import pytest

from engine.catalog.models import layer_table
from engine.schema.layers import LayerSpec, ModelSpec


def shape(layer: LayerSpec) -> tuple[object, ...]:
    """What a layer costs depends on this; names and signs are the framework's business."""
    return (
        layer.kind,
        layer.in_channels,
        layer.out_channels,
        layer.kernel_size,
        layer.stride,
        layer.groups,
        layer.input_size,
        layer.output_size,
        layer.weights,
        layer.macs,
    )


@pytest.mark.parametrize("network", ["mobilenet_v1", "mobilenet_v2"])
def test_a_layer_table_follows_the_paper(request: pytest.FixtureRequest, network: str) -> None:
    paper: ModelSpec = request.getfixturevalue(network)

    table = layer_table(network)

    assert table is not None
    assert [shape(layer) for layer in table.layers] == [shape(layer) for layer in paper.layers]
    assert table.parameters == paper.parameters
    assert table.macs == paper.macs
