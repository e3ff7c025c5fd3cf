"""Batch norms folded into quantised layers: the same values, fewer operations."""

import copy

import pytest
import torch
from torch import nn

from engine.nn.folding import fold_batch_norms
from engine.nn.quantized import QuantizedLayer
from tests.engine.quantized_networks import (
    branching_network,
    images,
    quantisable,
    quantise_all,
    residual_network,
)


def norms_of(network: nn.Module) -> list[nn.BatchNorm2d]:
    return [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_a_folded_network_computes_what_the_unfolded_one_does(bits: int) -> None:
    network = residual_network()
    _, layers = quantisable(network)
    quantise_all(layers, bits=bits)
    with torch.no_grad():
        wanted = network(images())

        assert fold_batch_norms(network) == 3

        assert not norms_of(network)
        assert torch.allclose(network(images()), wanted, atol=1e-5)


def test_a_folded_network_follows_its_bits() -> None:
    folded, unfolded = residual_network(), residual_network()
    _, folded_layers = quantisable(folded)
    _, layers = quantisable(unfolded)
    fold_batch_norms(folded)
    for bits in (3, 5):
        quantise_all(folded_layers, bits=bits)
        quantise_all(layers, bits=bits)
        with torch.no_grad():
            assert torch.allclose(folded(images()), unfolded(images()), atol=1e-5)


def test_a_norm_after_a_float_layer_stays() -> None:
    network = residual_network().eval()

    assert fold_batch_norms(network) == 0

    assert len(norms_of(network)) == 3


def test_a_norm_stays_where_the_convolution_is_read_elsewhere_too() -> None:
    class TwoReaders(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = QuantizedLayer(nn.Conv2d(1, 2, 1), input_signed=True)
            self.norm = nn.BatchNorm2d(2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = self.conv(x)
            return x + self.norm(x)

    network = TwoReaders().eval()

    assert fold_batch_norms(network) == 0


def test_a_layer_that_is_called_twice_keeps_its_norms() -> None:
    shared = QuantizedLayer(nn.Conv2d(1, 1, 1), input_signed=True)
    network = nn.Sequential(shared, nn.BatchNorm2d(1), shared, nn.BatchNorm2d(1)).eval()
    before = copy.deepcopy(network)

    assert fold_batch_norms(network) == 0
    assert torch.equal(network(images()), before(images()))


def test_a_network_without_a_single_graph_is_left_as_it_is() -> None:
    network = branching_network()
    quantisable(network)

    assert fold_batch_norms(network) == 0
    assert len(norms_of(network)) == 3
