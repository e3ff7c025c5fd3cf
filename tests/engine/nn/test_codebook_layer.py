"""Layers with shared weights: what they compute, and how their centroids learn."""

import torch
from torch import Tensor, nn

from engine.haq.codebooks import LayerCodebooks, compute_codebooks
from engine.haq.grid import set_policy
from engine.nn.codebook_layer import CodebookLayer
from engine.nn.folding import fold_batch_norms
from engine.nn.quantized import quantize_layers, set_float
from engine.schema.policy import FLOAT_BITS, LayerBits, Policy
from tests.engine.quantized_networks import described, images, residual_network


def shared_layer(inner: nn.Conv2d, bits: int) -> CodebookLayer:
    layer = CodebookLayer(inner, input_signed=True)
    LayerCodebooks(inner.weight, (bits,)).set_weight_bits(layer, bits)
    return layer


def convolution() -> nn.Conv2d:
    torch.manual_seed(0)
    return nn.Conv2d(3, 4, 3, padding=1)


def shown() -> Tensor:
    return torch.randn(2, 3, 6, 6, generator=torch.Generator().manual_seed(1))


def test_it_computes_with_the_weights_of_its_codebook() -> None:
    inner = convolution()
    layer = shared_layer(inner, 3).eval()

    weight = layer.centroids[layer.labels.long()]

    assert len(weight.unique()) <= 8
    wanted = nn.functional.conv2d(shown(), weight, inner.bias, padding=1)
    assert torch.allclose(layer(shown()), wanted, atol=1e-6)
    assert torch.allclose(layer.train()(shown()), wanted, atol=1e-6)


def test_a_centroids_gradient_is_the_mean_of_its_weights_gradients() -> None:
    layer = shared_layer(convolution(), 2).train()
    layer(shown()).square().sum().backward()
    weight = layer.shared_weight().requires_grad_()
    nn.functional.conv2d(shown(), weight, layer.inner.bias, padding=1).square().sum().backward()

    assert weight.grad is not None
    means = torch.stack([weight.grad[layer.labels == k].mean() for k in range(4)])

    assert layer.centroids.grad is not None
    assert torch.allclose(layer.centroids.grad, means, rtol=1e-4)
    assert layer.inner.weight.grad is None


def test_a_step_moves_all_weights_of_a_cluster_alike_as_projecting_them_would() -> None:
    layer = shared_layer(convolution(), 2).train()
    before = layer.shared_weight()
    optimiser = torch.optim.SGD(layer.parameters(), lr=0.1)
    weight = before.clone().requires_grad_()
    loss = nn.functional.conv2d(shown(), weight, layer.inner.bias, padding=1).square().mean()
    (gradient,) = torch.autograd.grad(loss, weight)
    stepped = before - 0.1 * gradient

    layer(shown()).square().mean().backward()
    optimiser.step()

    for k in range(4):
        members = layer.labels == k
        assert torch.allclose(layer.centroids[k], stepped[members].mean(), atol=1e-6)
    assert torch.equal(layer.eval().shared_weight(), layer.centroids.detach()[layer.labels.long()])


def test_a_whole_network_is_shared_and_folded() -> None:
    network = residual_network().eval()
    spec = described(network)
    with torch.no_grad():
        wanted = network(images())
    layers = quantize_layers(network, spec.layers, kind=CodebookLayer)
    network.eval()
    codebooks = compute_codebooks(layers, (2, 8))
    policy = Policy(layers={name: LayerBits(weight_bits=2) for name in layers})
    set_policy(layers, policy, codebooks)
    with torch.no_grad():
        coarse = network(images())

    assert fold_batch_norms(network) == 3
    with torch.no_grad():
        assert torch.allclose(network(images()), coarse, atol=1e-5)
        fine = {name: LayerBits(weight_bits=8) for name in layers}
        set_policy(layers, Policy(layers=fine), codebooks)
        assert torch.allclose(network(images()), wanted, atol=0.05)
        set_float(layers)
        assert torch.allclose(network(images()), wanted, atol=1e-5)
    assert all(bits.activation_bits == FLOAT_BITS for bits in policy.layers.values())


def test_a_layer_of_equal_weights_learns_without_nan() -> None:
    inner = convolution()
    nn.init.constant_(inner.weight, 0.5)
    layer = shared_layer(inner, 4).train()

    layer(shown()).sum().backward()

    assert len(layer.centroids) == 1
    assert layer.centroids.grad is not None
    assert torch.isfinite(layer.centroids.grad).all()
