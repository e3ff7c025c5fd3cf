"""How good a network of the space is with the supernet's weights, untrained by itself."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.data.image_set import ImageSet
from engine.nn.layout import lay_channels_last
from engine.proxyless.priced_space import Choices
from engine.proxyless.supernet import SuperNet
from engine.training.evaluate import Evaluation, evaluate
from engine.training.recalibrate import recalibrate

_BATCH = 128
STATISTICS_IMAGES = 1_024  # of train: what batch norm is set by


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Judge:
    """Scores networks of a space, all on the same images."""

    supernet: SuperNet
    statistics: Sequence[Tensor]  # batches of images_NCHW from train
    images_NCHW: Tensor  # from search
    labels_N: Tensor
    device: torch.device

    def score(self, choices: Choices) -> Evaluation:
        """Return how a network does with inherited weights and batch statistics of its own."""
        network = self.supernet.inherit(choices).to(self.device)
        lay_channels_last(network)
        recalibrate(network, self.statistics, self.device)
        return evaluate(network, (self.images_NCHW, self.labels_N), self.device)


def judge(
    supernet: SuperNet,
    train: ImageSet,
    search: ImageSet,
    *,
    images: int,
    device: torch.device,
) -> Judge:
    """Return what scores by the first `images` of the search split."""
    statistics_NCHW, _ = train.first(STATISTICS_IMAGES)
    images_NCHW, labels_N = search.first(images)
    return Judge(
        supernet=supernet,
        statistics=torch.split(statistics_NCHW.to(device), _BATCH),
        images_NCHW=images_NCHW.to(device),
        labels_N=labels_N.to(device),
        device=device,
    )
