"""The two algorithms by which an architecture learns, by the name that a config has for them."""

import torch

from engine.data.image_set import ImageSet
from engine.proxyless.architecture_learner import ArchitectureLearner
from engine.proxyless.gradient_learner import GradientLearner
from engine.proxyless.hardware_loss import HardwareTerm
from engine.proxyless.priced_space import PricedSpace
from engine.proxyless.reinforce_learner import ReinforceLearner
from engine.proxyless.supernet import SuperNet
from engine.schema.search_config import SearchConfig


def architecture_learner(
    supernet: SuperNet,
    images: ImageSet,
    *,
    config: SearchConfig,
    priced: PricedSpace,
    term: HardwareTerm,
    device: torch.device,
) -> ArchitectureLearner:
    """Return the algorithm that a config asks for, at its beginning."""
    kind = ReinforceLearner if config.algorithm == "reinforce" else GradientLearner
    return kind(supernet, images, config=config, priced=priced, term=term, device=device)
