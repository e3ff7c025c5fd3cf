"""Sensitivity by segments against the plain way: quantise one operand, run the whole network."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.haq.sensitivity import SensitivityPass, Widths, measured_widths
from engine.haq.thresholds import Thresholds, compute_thresholds
from engine.nn.quantized import QuantizedLayer
from engine.nn.segments import Segment, cut
from engine.schema.errors import Diverged
from engine.schema.results import LayerSensitivity
from tests.engine.quantized_networks import (
    branching_network,
    images,
    quantisable,
    residual_network,
)

WIDTHS = Widths(weight_bits=(2, 3, 4), activation_bits=(2, 4))


class Measured:
    """A network, ready for the pass."""

    def __init__(self, network: nn.Module) -> None:
        self.network = network
        _, self.layers = quantisable(network)
        self.thresholds: Thresholds = compute_thresholds(
            network, self.layers, [images(32)], clipping="mse", granularity="channel"
        )

    def cut(self) -> tuple[Segment, ...]:
        return cut(self.network, images(2), largest=10**9)

    def whole(self) -> tuple[Segment, ...]:
        return (Segment(module=self.network, layers=tuple(self.layers)),)

    def losses(self, segments: tuple[Segment, ...], shown: Tensor) -> list[LayerSensitivity]:
        one_pass = SensitivityPass(
            segments, self.layers, thresholds=self.thresholds, images_NCHW=shown
        )
        return [one_pass.measure(name, WIDTHS) for name in self.layers]


def plain_divergence(measured: Measured, layer: QuantizedLayer, clip: Tensor, bits: int) -> float:
    """Return KL(float || weights of one layer quantised), written out."""
    with torch.no_grad():
        before = functional.softmax(measured.network(images(24)), dim=1)
        layer.set_weight_bits(bits, clip)
        after = functional.softmax(measured.network(images(24)), dim=1)
        layer.set_float()
    return float((before * (before / after).log()).sum() / 24)


def assert_alike(found: list[LayerSensitivity], wanted: list[LayerSensitivity]) -> None:
    for ours, plain in zip(found, wanted, strict=True):
        assert ours.weight_losses == pytest.approx(plain.weight_losses, abs=1e-6)
        assert ours.activation_losses == pytest.approx(plain.activation_losses, abs=1e-6)


def test_segments_change_nothing_in_a_network_with_a_shortcut() -> None:
    measured = Measured(residual_network())
    segments = measured.cut()
    assert len(segments) > 1

    found = measured.losses(segments, images(24))

    assert_alike(found, measured.losses(measured.whole(), images(24)))


def test_what_is_measured_is_the_divergence_from_float() -> None:
    measured = Measured(residual_network())

    found = measured.losses(measured.cut(), images(24))

    for one in found:
        for width, loss in one.weight_losses.items():
            layer, bits = measured.layers[one.layer], int(width)
            clip = measured.thresholds[one.layer].weight_clip(bits)
            assert loss == pytest.approx(
                plain_divergence(measured, layer, clip, bits), rel=1e-3, abs=1e-6
            )


@pytest.mark.parametrize("seed", range(4))
def test_no_layer_gains_by_being_quantised(seed: int) -> None:
    measured = Measured(residual_network(seed=seed))

    for one in measured.losses(measured.cut(), images(24, seed=seed)):
        assert min(*one.weight_losses.values(), *one.activation_losses.values()) >= 0


def test_two_bits_cost_something() -> None:
    measured = Measured(residual_network())

    found = measured.losses(measured.cut(), images(24))

    assert all(one.weight_losses["2"] > 0 for one in found)
    assert all(one.activation_losses["2"] > 0 for one in found)


def test_a_network_without_a_single_graph_is_measured_whole() -> None:
    traced, branching = Measured(residual_network()), Measured(branching_network())
    assert len(branching.cut()) == 1

    found = branching.losses(branching.cut(), images(24))

    assert_alike(found, traced.losses(traced.cut(), images(24)))


def test_more_images_than_a_batch_are_all_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.haq.sensitivity._BATCH_PIXELS", 256 * 8 * 8)
    measured = Measured(residual_network())
    first, rest = images(256), images(44, seed=9)

    together = measured.losses(measured.cut(), torch.cat([first, rest]))

    parts = [measured.losses(measured.cut(), shown) for shown in (first, rest)]
    for whole, one, other in zip(together, *parts, strict=True):
        mean = (256 * one.weight_losses["2"] + 44 * other.weight_losses["2"]) / 300
        assert whole.weight_losses["2"] == pytest.approx(mean, abs=1e-6)


def test_a_pass_may_begin_at_any_layer() -> None:
    measured = Measured(residual_network())
    whole = measured.losses(measured.cut(), images(24))
    later = SensitivityPass(
        measured.cut(), measured.layers, thresholds=measured.thresholds, images_NCHW=images(24)
    )

    assert_alike([later.measure("second", WIDTHS)], [whole[2]])


def test_all_layers_are_float_again_after_a_measurement() -> None:
    measured = Measured(residual_network())
    with torch.no_grad():
        before = measured.network(images())

        measured.losses(measured.cut(), images(24))

        assert torch.equal(measured.network(images()), before)


def test_wider_widths_are_left_out_once_one_adds_next_to_nothing() -> None:
    measured = Measured(residual_network())
    nn.init.zeros_(measured.layers["second"].inner.weight)  # no width can change it

    found = measured.losses(measured.cut(), images(24))

    assert dict(found[2].weight_losses) == {"2": 0.0}


def test_widths_past_six_bits_are_reckoned_and_not_measured() -> None:
    widths = measured_widths((2, 4, 6, 7, 8), (7, 8))

    assert widths == Widths(weight_bits=(2, 4, 6), activation_bits=(7,))
    assert widths.count == 4


def test_numbers_out_of_range_are_told() -> None:
    measured = Measured(residual_network())
    nn.init.constant_(measured.layers["first"].inner.weight, torch.inf)

    with pytest.raises(Diverged, match="not finite"):
        measured.losses(measured.cut(), images(24))
