"""How good a network is on images it is not learning from."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

Batch = tuple[Tensor, Tensor]  # (images_NCHW, labels_N)
_CHUNK = 128  # images of a pair that go through the network at once: their maps fit the cache


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """The outcome over a number of images."""

    accuracy: float  # 0-1
    loss: float  # mean cross-entropy in nats
    images: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outcomes:
    """What became of each image, in the order of the images."""

    losses_N: Tensor  # cross-entropy in nats, float32
    right_N: Tensor  # bool

    @property
    def evaluation(self) -> Evaluation:
        """The means."""
        images = len(self.right_N)
        return Evaluation(
            accuracy=int(self.right_N.sum()) / images,
            loss=float(self.losses_N.sum(dtype=torch.float64)) / images,
            images=images,
        )


def evaluate(
    model: nn.Module, batches: Iterable[Batch] | Batch, device: torch.device
) -> Evaluation:
    """Return accuracy and loss in eval mode, over batches or over one (images, labels) pair."""
    correct = 0
    images = 0
    loss_sum = 0.0
    with evaluating(model), torch.inference_mode():
        for images_NCHW, labels_N in _in_chunks(batches):
            logits_NK = model(images_NCHW.to(device))
            on_device_N = labels_N.to(device)
            loss_sum += float(functional.cross_entropy(logits_NK, on_device_N, reduction="sum"))
            correct += int((logits_NK.argmax(dim=1) == on_device_N).sum())
            images += len(labels_N)
    if images == 0:
        raise ValueError("evaluate needs at least one image")
    return Evaluation(accuracy=correct / images, loss=loss_sum / images, images=images)


def outcomes(model: nn.Module, batches: Iterable[Batch] | Batch, device: torch.device) -> Outcomes:
    """Return what becomes of each image in eval mode, for policies to be compared in pairs."""
    losses, right = [], []
    with evaluating(model), torch.inference_mode():
        for images_NCHW, labels_N in _in_chunks(batches):
            logits_NK = model(images_NCHW.to(device))
            on_device_N = labels_N.to(device)
            losses.append(functional.cross_entropy(logits_NK, on_device_N, reduction="none").cpu())
            right.append((logits_NK.argmax(dim=1) == on_device_N).cpu())
    if not right:
        raise ValueError("outcomes need at least one image")
    return Outcomes(losses_N=torch.cat(losses), right_N=torch.cat(right))


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Put a network into eval mode and each of its modules back afterwards."""
    training = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, was_training in training:
            module.training = was_training


def _in_chunks(batches: Iterable[Batch] | Batch) -> Iterator[Batch]:
    if isinstance(batches, tuple) and len(batches) == 2 and isinstance(batches[0], Tensor):
        images_NCHW, labels_N = batches
        yield from zip(torch.split(images_NCHW, _CHUNK), torch.split(labels_N, _CHUNK), strict=True)
    else:
        yield from batches
