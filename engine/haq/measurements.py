"""What the rows of a result are measured to be: before and after fine-tuning, each thing once."""

from collections.abc import Mapping
from math import sqrt
from pathlib import Path

from torch import nn

from engine.data.image_set import ImageSet
from engine.haq.environment import QuantizationEnvironment
from engine.haq.finetune import quantized_network, tuned_network
from engine.haq.subject import Subject
from engine.haq.thresholds import Thresholds
from engine.nn.folding import fold_batch_norms
from engine.schema.policy import Policy
from engine.schema.quantize_config import QuantizeConfig
from engine.schema.results import Accuracy, Split
from engine.training.evaluate import Evaluation, Outcomes, outcomes
from engine.training.fit import SEARCH_IMAGES

_BATCH = 128


class Measuring:
    """Measures each row on the report split, whatever is the same once."""

    def __init__(
        self,
        config: QuantizeConfig,
        subject: Subject,
        *,
        environment: QuantizationEnvironment,
        thresholds: Thresholds,
        tuned: Mapping[str, Policy | None],
        folder: Path,
    ) -> None:
        self._config = config
        self._subject = subject
        self._environment = environment
        self._thresholds = thresholds
        self._tuned = tuned
        self._folder = folder
        self._known: dict[tuple[bool, str, Split], Outcomes] = {}

    def untuned(self, policy: Policy | None, split: Split) -> Accuracy:
        """Return the accuracy of a policy without fine-tuning; None: of the float network."""
        measured = self.outcomes(policy, split, is_tuned=False)
        return accuracy_of(measured.evaluation, split)

    def tuned(self, policy: Policy | None, split: Split) -> Evaluation | None:
        """Return how good a policy is after fine-tuning; None: it was not fine-tuned."""
        if not self.is_tuned(policy):
            return None
        return self.outcomes(policy, split, is_tuned=True).evaluation

    def is_tuned(self, policy: Policy | None) -> bool:
        """Tell whether a policy was fine-tuned."""
        return policy in self._tuned.values()

    def outcomes(self, policy: Policy | None, split: Split, *, is_tuned: bool) -> Outcomes:
        """Return what becomes of each image before or after fine-tuning."""
        key = (is_tuned, repr(policy), split)
        if key not in self._known:
            network = (
                _folded(self.delivered(policy))
                if is_tuned
                else self._environment.network_at(policy)
            )
            batches = self._images(split).batches(_BATCH, limit=self._limit(split))
            self._known[key] = outcomes(network, batches, self._subject.device)
        return self._known[key]

    def delivered(self, policy: Policy | None) -> nn.Module:
        """Return the network at a policy as it would be handed out."""
        if self.is_tuned(policy):
            return tuned_network(
                self._subject, policy, thresholds=self._thresholds, folder=self._folder
            )
        return quantized_network(self._subject, policy, self._thresholds)

    def _images(self, split: Split) -> ImageSet:
        splits = self._subject.splits
        return splits.report if split == "report" else splits.search

    def _limit(self, split: Split) -> int:
        return self._config.effort.report_images if split == "report" else SEARCH_IMAGES


def accuracy_of(evaluation: Evaluation, split: Split) -> Accuracy:
    """Return a measured accuracy with its standard error, that of a share of n images."""
    share, images = evaluation.accuracy, evaluation.images
    return Accuracy(
        value=share,
        standard_error=sqrt(share * (1 - share) / images),
        images=images,
        split=split,
    )


def _folded(network: nn.Module) -> nn.Module:
    """Return the network with its batch norms folded: the same values, a quarter sooner."""
    fold_batch_norms(network)
    return network
