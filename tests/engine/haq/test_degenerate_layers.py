"""Constant weights, weights and inputs that are all zero, fewer values than clusters: no NaN."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.haq.codebooks import compute_codebooks
from engine.haq.environment import QuantizationEnvironment
from engine.haq.grid import Grids, set_policy
from engine.haq.hessian import HessianPass
from engine.haq.sensitivity import Sensitivities, SensitivityPass, Widths
from engine.haq.thresholds import compute_thresholds
from engine.nn.codebook_layer import CodebookLayer
from engine.nn.quantized import QuantizedLayer, quantize_layers
from engine.nn.segments import cut
from engine.schema.layers import ModelSpec
from engine.schema.policy import LayerBits, Policy
from engine.schema.quantize_config import SensitivityMeasure
from engine.solver.losses import additive_losses
from tests.engine.quantized_networks import described, images, residual_network

WIDTHS = Widths(weight_bits=(2, 4, 6), activation_bits=(2, 4, 6))
MEASURES: tuple[SensitivityMeasure, ...] = ("divergence", "loss", "distance")
LABELS_N = torch.arange(16) % 2


def degenerate_network() -> nn.Module:
    """One layer of equal weights, one of zeros, and a block whose input is zero everywhere."""
    network = residual_network().eval()
    nn.init.constant_(network.get_parameter("first.weight"), 0.25)
    nn.init.zeros_(network.get_parameter("second.weight"))
    nn.init.zeros_(network.get_parameter("stem.1.weight"))
    nn.init.constant_(network.get_parameter("stem.1.bias"), -1.0)  # nothing is left by the ReLU
    return network


def quantisable(
    kind: type[QuantizedLayer],
) -> tuple[nn.Module, ModelSpec, dict[str, QuantizedLayer]]:
    network = degenerate_network()
    spec = described(network)
    return network, spec, quantize_layers(network, spec.layers, kind=kind)


def grids_of(network: nn.Module, layers: dict[str, QuantizedLayer]) -> Grids:
    if any(isinstance(layer, CodebookLayer) for layer in layers.values()):
        return compute_codebooks(layers, range(1, 9))
    return compute_thresholds(network, layers, [images(16)], clipping="mse", granularity="channel")


def every(spec: ModelSpec, bits: int, *, shared: bool) -> Policy:
    one = (
        LayerBits(weight_bits=bits) if shared else LayerBits(weight_bits=bits, activation_bits=bits)
    )
    return Policy(layers={layer.name: one for layer in spec.layers})


@pytest.mark.parametrize("measure", [*MEASURES, "hessian"])
def test_sensitivities_are_finite_and_never_negative(measure: SensitivityMeasure) -> None:
    network, spec, layers = quantisable(QuantizedLayer)
    grids = grids_of(network, layers)
    names = [layer.name for layer in spec.layers]
    one_pass: Sensitivities
    if measure == "hessian":
        one_pass = HessianPass(
            degenerate_network(),
            names,
            grids=grids,
            images_NCHW=images(16),
            labels_N=LABELS_N,
            generator=torch.Generator().manual_seed(0),
        )
    else:
        one_pass = SensitivityPass(
            cut(network, images(2), largest=10**9),
            layers,
            thresholds=grids,
            images_NCHW=images(16),
            labels_N=LABELS_N,
            measure=measure,
        )

    losses = additive_losses([one_pass.measure(name, WIDTHS) for name in names])

    assert torch.isfinite(torch.from_numpy(losses)).all()
    assert losses.min() >= 0
    # Equal weights lie on every grid, zeros too: nothing is lost by them.
    for index, name in enumerate(names):
        if name in ("first", "second"):
            assert losses[index].max() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("kind", [QuantizedLayer, CodebookLayer])
@pytest.mark.parametrize("bits", [2, 8])
def test_a_policy_s_score_is_finite(kind: type[QuantizedLayer], bits: int) -> None:
    network, spec, layers = quantisable(kind)
    environment = QuantizationEnvironment(
        network,
        layers,
        thresholds=grids_of(network, layers),
        images_NCHW=images(16),
        labels_N=LABELS_N,
    )

    score = environment.score(every(spec, bits, shared=kind is CodebookLayer))

    assert torch.isfinite(torch.tensor([score.loss, environment.float_score.loss])).all()


@pytest.mark.parametrize("kind", [QuantizedLayer, CodebookLayer])
@pytest.mark.parametrize("bits", [2, 8])
def test_fine_tuning_steps_stay_finite(kind: type[QuantizedLayer], bits: int) -> None:
    network, spec, layers = quantisable(kind)
    set_policy(layers, every(spec, bits, shared=kind is CodebookLayer), grids_of(network, layers))
    network.train()
    optimiser = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)

    for _ in range(3):
        optimiser.zero_grad()
        functional.cross_entropy(network(images(16)), LABELS_N).backward()
        optimiser.step()

    assert all(torch.isfinite(parameter).all() for parameter in network.parameters())
    assert torch.isfinite(network(images(16))).all()


@pytest.mark.parametrize("values", [[0.0], [0.5], [-1.0, 0.25, 2.0]])
def test_a_layer_of_fewer_values_than_clusters_keeps_them(values: list[float]) -> None:
    inner = nn.Conv2d(1, 6, 3)
    inner.weight.data = _repeated(values, inner.weight)
    layer = CodebookLayer(inner, input_signed=True)

    codebooks = compute_codebooks({"layer": layer}, range(1, 9))["layer"]

    for bits in range(2, 9):
        centroids_K = codebooks.centroids(bits)
        assert centroids_K.tolist() == sorted(values)
        assert torch.equal(codebooks.rounded_weight(inner.weight, bits), inner.weight)


def _repeated(values: list[float], like: Tensor) -> Tensor:
    return torch.tensor(values).repeat(like.numel())[: like.numel()].view_as(like).clone()
