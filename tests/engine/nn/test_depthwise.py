"""The fast depthwise convolution, against the library's in double precision."""

import copy

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from engine.catalog.spaces import space_entry
from engine.nn.architecture_network import drawn_network
from engine.nn.depthwise import (
    DepthwiseConv2d,
    depthwise_conv2d,
    depthwise_weight_gradient,
    quicken_depthwise,
)
from engine.schema.architecture import Architecture

CHANNELS = 6


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("kernel_size", [3, 5, 7, 9])
@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7, 8, 12])
def test_output_and_gradients_are_the_librarys(size: int, kernel_size: int, stride: int) -> None:
    map_NCHW, weight_C1KK = _leaves(size, kernel_size)
    exact = [each.detach().double().requires_grad_() for each in (map_NCHW, weight_C1KK)]

    output_NCHW = depthwise_conv2d(map_NCHW, weight_C1KK, stride=stride)
    exact_NCHW = functional.conv2d(*exact, stride=stride, padding=kernel_size // 2, groups=CHANNELS)
    by_output_NCHW = torch.randn(exact_NCHW.shape, generator=torch.Generator().manual_seed(1))
    output_NCHW.backward(by_output_NCHW)
    exact_NCHW.backward(by_output_NCHW.double())

    _assert_close(output_NCHW, exact_NCHW)
    _assert_close(map_NCHW.grad, exact[0].grad)
    _assert_close(weight_C1KK.grad, exact[1].grad)


@pytest.mark.parametrize(("height", "width"), [(4, 9), (9, 3)], ids=["wide", "high"])
def test_maps_need_not_be_square(height: int, width: int) -> None:
    map_NCHW = torch.randn(2, CHANNELS, height, width, generator=torch.Generator().manual_seed(0))
    weight_C1KK = _leaves(4, 7)[1]
    exact_C1KK = weight_C1KK.detach().clone().requires_grad_()

    depthwise_conv2d(map_NCHW, weight_C1KK, stride=1).square().sum().backward()
    functional.conv2d(map_NCHW, exact_C1KK, padding=3, groups=CHANNELS).square().sum().backward()

    _assert_close(weight_C1KK.grad, exact_C1KK.grad)


def test_a_weight_gradient_is_its_definition_written_out() -> None:
    """Sum over images and places of input times output gradient, tap by tap."""
    size = 8
    map_NCHW = _leaves(size, 7)[0].detach()
    by_output_NCHW = torch.randn(map_NCHW.shape, generator=torch.Generator().manual_seed(1))
    padded_NCHW = functional.pad(map_NCHW, (3, 3, 3, 3))
    expected_CKK = torch.zeros(CHANNELS, 7, 7)
    for row in range(7):
        for column in range(7):
            window_NCHW = padded_NCHW[:, :, row : row + size, column : column + size]
            expected_CKK[:, row, column] = (window_NCHW * by_output_NCHW).sum(dim=(0, 2, 3))

    by_weight_C1KK = depthwise_weight_gradient(
        map_NCHW, by_output_NCHW, kernel_size=(7, 7), stride=1
    )

    _assert_close(by_weight_C1KK[:, 0], expected_CKK)


def test_gradients_come_through_a_shared_kernels_centre() -> None:
    map_NCHW, weight_C1KK = _leaves(6, 7)
    plain_C1KK = weight_C1KK.detach()[:4, :, 1:6, 1:6].clone().requires_grad_()

    depthwise_conv2d(map_NCHW[:, :4], weight_C1KK[:4, :, 1:6, 1:6], stride=1).sum().backward()
    functional.conv2d(map_NCHW[:, :4], plain_C1KK, padding=2, groups=4).sum().backward()

    assert weight_C1KK.grad is not None
    _assert_close(weight_C1KK.grad[:4, :, 1:6, 1:6], plain_C1KK.grad)
    assert weight_C1KK.grad[4:].count_nonzero() == 0
    assert weight_C1KK.grad[:, :, 0].count_nonzero() == 0


def test_a_frozen_weight_gets_no_gradient_and_lets_that_of_the_map_through() -> None:
    map_NCHW, weight_C1KK = _leaves(8, 7)
    weight_C1KK.requires_grad_(False)

    depthwise_conv2d(map_NCHW, weight_C1KK, stride=1).sum().backward()

    assert weight_C1KK.grad is None
    assert map_NCHW.grad is not None


def test_the_layer_has_the_librarys_parameters() -> None:
    layer = DepthwiseConv2d(CHANNELS, kernel_size=5, stride=2)
    plain = torch.nn.Conv2d(CHANNELS, CHANNELS, 5, stride=2, padding=2, groups=CHANNELS, bias=False)
    plain.load_state_dict(layer.state_dict())
    map_NCHW = _leaves(8, 5)[0]

    _assert_close(layer(map_NCHW), plain(map_NCHW))


def _leaves(size: int, kernel_size: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    map_NCHW = torch.randn(3, CHANNELS, size, size, generator=generator)
    weight_C1KK = torch.randn(CHANNELS, 1, kernel_size, kernel_size, generator=generator)
    map_NCHW = map_NCHW.contiguous(memory_format=torch.channels_last)
    return map_NCHW.requires_grad_(), weight_C1KK.requires_grad_()


def _assert_close(value: Tensor | None, expected: Tensor | None) -> None:
    assert value is not None
    assert expected is not None
    torch.testing.assert_close(value.double(), expected.double(), rtol=1e-4, atol=1e-4)


def test_a_quickened_model_answers_and_learns_as_before() -> None:
    space = space_entry("tiny")
    architecture = Architecture(space=space, choices=tuple(4 for _ in space.blocks))
    plain = drawn_network(architecture, generator=torch.Generator().manual_seed(0))
    quick = copy.deepcopy(plain)
    quicken_depthwise(quick)
    images_NCHW = torch.randn(4, 1, 32, 32, generator=torch.Generator().manual_seed(1))

    for model in (plain, quick):
        model(images_NCHW).square().mean().backward()

    assert list(quick.state_dict()) == list(plain.state_dict())
    assert any(isinstance(module, DepthwiseConv2d) for module in quick.modules())
    for one, other in zip(quick.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad, rtol=1e-3, atol=1e-6)
