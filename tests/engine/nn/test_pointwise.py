"""The fast 1x1 convolution, against the library's in double precision."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from engine.nn.pointwise import PointwiseConv2d, pointwise_conv2d


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def leaves(images: int) -> tuple[Tensor, Tensor]:
    """Return map_NCHW with its channels last, and a weight that is a part of a larger one."""
    generator = torch.Generator().manual_seed(0)
    map_NCHW = torch.randn(images, 6, 5, 7, generator=generator)
    larger = torch.randn(10, 8, 1, 1, generator=generator)
    return map_NCHW.contiguous(memory_format=torch.channels_last), larger[:9, :6]


@pytest.mark.parametrize("images", [1, 4, 15, 16, 20])
def test_output_and_gradients_are_the_librarys(images: int) -> None:
    map_NCHW, weight_OI11 = (each.requires_grad_() for each in leaves(images))
    exact = [each.detach().double().requires_grad_() for each in (map_NCHW, weight_OI11)]

    output_NCHW = pointwise_conv2d(map_NCHW, weight_OI11)
    exact_NCHW = functional.conv2d(*exact)
    by_output_NCHW = torch.randn(exact_NCHW.shape, generator=torch.Generator().manual_seed(1))
    output_NCHW.backward(by_output_NCHW)
    exact_NCHW.backward(by_output_NCHW.double())

    for ours, theirs in (
        (output_NCHW, exact_NCHW),
        (map_NCHW.grad, exact[0].grad),
        (weight_OI11.grad, exact[1].grad),
    ):
        assert ours is not None
        torch.testing.assert_close(ours, theirs, check_dtype=False, rtol=1e-4, atol=1e-4)


def test_the_channels_stay_last() -> None:
    map_NCHW, weight_OI11 = leaves(2)

    output_NCHW = pointwise_conv2d(map_NCHW, weight_OI11)

    assert output_NCHW.is_contiguous(memory_format=torch.channels_last)


def test_other_precisions_are_the_librarys_own() -> None:
    map_NCHW, weight_OI11 = leaves(2)

    exact_NCHW = pointwise_conv2d(map_NCHW.double(), weight_OI11.double())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        half_NCHW = pointwise_conv2d(map_NCHW, weight_OI11)

    assert (exact_NCHW.dtype, half_NCHW.dtype) == (torch.float64, torch.bfloat16)
    torch.testing.assert_close(half_NCHW, exact_NCHW, check_dtype=False, rtol=0.05, atol=0.05)


def test_a_layer_computes_what_the_librarys_does() -> None:
    layer, plain = PointwiseConv2d(6, 9), torch.nn.Conv2d(6, 9, 1, bias=False)
    plain.load_state_dict(layer.state_dict())
    map_NCHW, _ = leaves(3)

    torch.testing.assert_close(layer(map_NCHW), plain(map_NCHW), rtol=1e-4, atol=1e-5)
