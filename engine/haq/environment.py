"""What a policy is worth: the loss and accuracy of the network quantised by it, without training.

Held-out images in eval mode, for the float network too. No policy is evaluated twice: a search in
its last episodes proposes little that is new.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from engine.haq.copies import Copies, Copy
from engine.haq.grid import Grids, set_policy
from engine.nn.quantized import QuantizedLayer, set_float
from engine.schema.errors import Diverged
from engine.schema.policy import LayerBits, Policy
from engine.training.evaluate import Outcomes, evaluate, outcomes

Bits = tuple[tuple[int, int], ...]  # (weight, activation) by layer: the name of a policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """The outcome of one policy on the scoring images."""

    accuracy: float  # 0-1
    loss: float  # cross-entropy in nats


def bits_of(policy: Policy) -> Bits:
    """Return a policy's widths by layer, in order."""
    return tuple((b.weight_bits, b.activation_bits) for b in policy.layers.values())


class QuantizationEnvironment:
    """Scores policies on held-out images, each distinct one once."""

    def __init__(
        self,
        network: nn.Module,
        layers: Mapping[str, QuantizedLayer],
        *,
        thresholds: Grids,
        images_NCHW: Tensor,
        labels_N: Tensor,
        model_hash: str = "",
        copies: int = 1,  # of the network: as many policies are evaluated at once
    ) -> None:
        self._network = network
        self._layers = layers
        self._thresholds = thresholds
        self._images = (images_NCHW, labels_N)
        self._model_hash = model_hash
        self._scores: dict[Bits, Score] = {}
        set_float(layers)
        self._copies = Copies(network, layers, copies)
        self.float_score = self._evaluated(network)

    @property
    def images(self) -> int:
        """The number of images that a score is a mean over."""
        return len(self._images[1])

    @property
    def scores(self) -> Mapping[Bits, Score]:
        """Every policy scored so far, in the order of their first scoring."""
        return self._scores

    def knows(self, policy: Policy) -> bool:
        """Tell whether a score would cost no evaluation."""
        return bits_of(policy) in self._scores

    def score(self, policy: Policy) -> Score:
        """Return a policy's score, from memory where it is known.

        Raises:
            Diverged: the loss is not finite.
        """
        return self.scores_of([policy])[0]

    def scores_of(self, policies: Sequence[Policy]) -> list[Score]:
        """Return the scores of policies, in their order; what is not known is evaluated at once.

        Raises:
            Diverged: a loss is not finite.
        """
        new = {bits_of(one): one for one in policies if not self.knows(one)}
        found = self._copies.each(self._evaluated_at, list(new.values()))
        self._scores.update(zip(new, found, strict=True))
        return [self._scores[bits_of(one)] for one in policies]

    def outcomes(self, policy: Policy) -> Outcomes:
        """Return what becomes of each scoring image under a policy."""
        network = self.network_at(policy)
        return outcomes(network, self._images, next(network.parameters()).device)

    def network_at(self, policy: Policy | None) -> nn.Module:
        """Return the network quantised by a policy, until the next call; None: in float."""
        if policy is None:
            set_float(self._layers)
        else:
            set_policy(self._layers, policy, self._thresholds)
        return self._network

    def reward(self, score: Score) -> float:
        """Return 0.1 x the accuracy gained over float, in percent: Wang et al. 2019, eq. 4."""
        return 0.1 * 100 * (score.accuracy - self.float_score.accuracy)

    def policy(self, bits: Bits) -> Policy:
        """Return the policy that these widths stand for."""
        return Policy(
            layers={
                name: LayerBits(weight_bits=w, activation_bits=a)
                for name, (w, a) in zip(self._layers, bits, strict=True)
            },
            model_hash=self._model_hash,
        )

    def remember(self, scores: Mapping[Bits, Score]) -> None:
        """Take up scores of an earlier life of the run."""
        self._scores.update(scores)

    def _evaluated_at(self, copy: Copy, policy: Policy) -> Score:
        set_policy(copy.layers, policy, self._thresholds)
        return self._evaluated(copy.network)

    def _evaluated(self, network: nn.Module) -> Score:
        outcome = evaluate(network, self._images, next(network.parameters()).device)
        if not math.isfinite(outcome.loss):
            raise Diverged(len(self._scores), "the quantised network's loss")
        return Score(accuracy=outcome.accuracy, loss=outcome.loss)
