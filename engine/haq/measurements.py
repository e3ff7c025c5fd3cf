"""What the rows of a result are measured to be: before and after fine-tuning, each thing once."""

from collections.abc import Callable, Mapping
from math import sqrt
from pathlib import Path

from torch import nn

from engine.haq.environment import QuantizationEnvironment
from engine.haq.finetune import quantized_network, tuned_network
from engine.haq.subject import Subject
from engine.haq.thresholds import Thresholds
from engine.nn.folding import fold_batch_norms
from engine.schema.configs import QuantizeConfig
from engine.schema.policy import Policy
from engine.schema.results import Accuracy, Split
from engine.training.evaluate import Evaluation, evaluate
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
        self._known: dict[tuple[str, str, Split], Evaluation] = {}

    def untuned(self, policy: Policy | None, split: Split) -> Accuracy:
        """Return the accuracy of a policy without fine-tuning; None: of the float network."""
        measured = self._evaluated(
            "untuned", policy, split, lambda: self._environment.network_at(policy)
        )
        return accuracy_of(measured, split)

    def tuned(self, policy: Policy | None, split: Split) -> Evaluation | None:
        """Return how good a policy is after fine-tuning; None: it was not fine-tuned."""
        if policy not in self._tuned.values():
            return None
        return self._evaluated("tuned", policy, split, lambda: _folded(self.delivered(policy)))

    def delivered(self, policy: Policy | None) -> nn.Module:
        """Return the network at a policy as it would be handed out."""
        if policy in self._tuned.values():
            return tuned_network(
                self._subject, policy, thresholds=self._thresholds, folder=self._folder
            )
        return quantized_network(self._subject, policy, self._thresholds)

    def _evaluated(
        self, state: str, policy: Policy | None, split: Split, build: Callable[[], nn.Module]
    ) -> Evaluation:
        key = (state, repr(policy), split)
        if key not in self._known:
            images = (
                self._subject.splits.report if split == "report" else self._subject.splits.search
            )
            reported = self._config.effort.report_images
            limit = reported if split == "report" else SEARCH_IMAGES
            batches = images.batches(_BATCH, limit=limit)
            self._known[key] = evaluate(build(), batches, self._subject.device)
        return self._known[key]


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
