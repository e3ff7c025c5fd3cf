"""Curvature against the Hessian itself, on a network small enough to write it down."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.haq.hessian import HessianPass, mean_traces
from engine.haq.sensitivity import Widths
from engine.haq.thresholds import compute_thresholds
from engine.nn.quantized import quantize_layers
from engine.schema.errors import Diverged
from tests.engine.quantized_networks import described, images, quantisable, residual_network


def exact_mean_trace(loss_of: Callable[[Tensor], Tensor], weight: Tensor) -> float:
    hessian = torch.autograd.functional.hessian(loss_of, weight.detach())
    size = weight.numel()
    return float(hessian.reshape(size, size).trace() / size)


def test_the_estimate_is_the_hessians_trace() -> None:
    torch.manual_seed(0)
    x, labels = torch.randn(16, 5), torch.randint(3, (16,))
    weight = torch.randn(3, 5, requires_grad=True)

    def loss_of(w: Tensor) -> Tensor:
        return functional.cross_entropy(functional.linear(x, w), labels)

    (found,) = mean_traces(
        loss_of(weight), [weight], generator=torch.Generator().manual_seed(1), rounds=400
    )

    assert found == pytest.approx(exact_mean_trace(loss_of, weight), rel=0.05)


def test_a_layers_loss_is_half_its_curvature_times_its_squared_error() -> None:
    network = residual_network().eval()
    spec = described(network)
    copy = residual_network()
    _, layers = quantisable(copy)
    grids = compute_thresholds(copy, layers, [images(32)], clipping="max", granularity="channel")
    hessian = HessianPass(
        network,
        [layer.name for layer in spec.layers],
        grids=grids,
        images_NCHW=images(16),
        labels_N=torch.arange(16) % 2,
        generator=torch.Generator().manual_seed(0),
    )

    for layer in spec.layers:
        one = hessian.measure(layer.name, Widths(weight_bits=(2, 4, 6), activation_bits=(2, 4)))

        losses = list(one.weight_losses.values())
        assert losses == sorted(losses, reverse=True)
        weight = network.get_submodule(layer.name).get_parameter("weight").detach()
        errors = {
            bits: float((grids[layer.name].rounded_weight(weight, bits) - weight).square().sum())
            for bits in (2, 4)
        }
        assert one.weight_losses["2"] * errors[4] == pytest.approx(
            one.weight_losses["4"] * errors[2], rel=1e-4
        )
        assert all(loss >= 0 for loss in one.activation_losses.values())
        assert one.weight_losses["2"] > 0


def test_the_prediction_is_of_the_size_of_the_true_rise() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, 6, 3), nn.ReLU(), nn.Flatten(), nn.Linear(216, 2)).eval()
    with torch.no_grad():
        labels_N = network(images(64)).argmax(dim=1)  # so that the loss is flat where it stands
        for module in network:
            if isinstance(module, nn.Linear):
                module.weight.mul_(20)
    spec = described(network)
    copy = nn.Sequential(nn.Conv2d(1, 6, 3), nn.ReLU(), nn.Flatten(), nn.Linear(216, 2))
    copy.load_state_dict(network.state_dict())
    layers = quantize_layers(copy.eval(), spec.layers)
    grids = compute_thresholds(copy, layers, [images(64)], clipping="max", granularity="channel")
    hessian = HessianPass(
        network,
        list(layers),
        grids=grids,
        images_NCHW=images(64),
        labels_N=labels_N,
        generator=torch.Generator().manual_seed(0),
    )
    predicted = hessian.measure("3", Widths(weight_bits=(4,), activation_bits=())).weight_losses

    with torch.no_grad():
        before = functional.cross_entropy(copy(images(64)), labels_N)
        grids["3"].set_weight_bits(layers["3"], 4)
        rise = float(functional.cross_entropy(copy(images(64)), labels_N) - before)

    assert predicted["4"] == pytest.approx(rise, rel=1.0, abs=0.02)


def test_a_network_whose_loss_is_not_finite_is_told() -> None:
    weight = torch.tensor([float("nan")], requires_grad=True)

    with pytest.raises(Diverged, match="curvature"):
        mean_traces((weight**3).sum(), [weight], generator=torch.Generator(), rounds=2)
