"""Small supernets and mixed operations, and one batch for them."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.catalog.spaces import space_entry
from engine.nn.zero import Zero
from engine.proxyless.mixed_op import MixedOp
from engine.proxyless.supernet import SuperNet

CHANNELS = 4


def tiny_supernet(*, shared: bool = True, seed: int = 0) -> SuperNet:
    """Return a supernet of the tiny space in training mode, with far from equal probabilities."""
    generator = torch.Generator().manual_seed(seed)
    return SuperNet(
        space_entry("tiny"), generator=generator, shared=shared, alpha_scale=0.5
    ).train()


def batch(images: int = 4, seed: int = 7) -> tuple[Tensor, Tensor]:
    """Return images_NCHW and labels_N."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(images, 1, 32, 32, generator=generator), torch.arange(images)


def loss_of(supernet: SuperNet, seed: int = 7) -> Tensor:
    """Return the cross-entropy of one batch; shape ()."""
    images_NCHW, labels_N = batch(seed=seed)
    return functional.cross_entropy(supernet(images_NCHW), labels_N)


def mixed_op(*, with_zero: bool = True) -> MixedOp:
    """Return three convolutions, and Zero, with a shortcut; in double precision."""
    torch.manual_seed(0)
    candidates: list[nn.Module] = [
        nn.Sequential(
            nn.Conv2d(CHANNELS, CHANNELS, size, padding=size // 2), nn.BatchNorm2d(CHANNELS)
        )
        for size in (1, 3, 5)
    ]
    if with_zero:
        candidates.append(Zero())
    mixed = MixedOp(candidates, has_shortcut=True).double().train()
    nn.init.normal_(mixed.alphas)
    return mixed


def run_backward(mixed: MixedOp) -> tuple[Tensor, Tensor, Tensor]:
    """Return map_NCHW, output_NCHW, and the gradient that went into the output."""
    generator = torch.Generator().manual_seed(3)
    map_NCHW, by_output_NCHW = (
        torch.randn(2, CHANNELS, 6, 6, generator=generator, dtype=torch.float64) for _ in range(2)
    )
    map_NCHW.requires_grad_()
    output_NCHW = mixed(map_NCHW)
    output_NCHW.backward(by_output_NCHW)
    return map_NCHW, output_NCHW, by_output_NCHW
