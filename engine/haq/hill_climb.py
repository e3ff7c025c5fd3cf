"""Hill climbing from the solver's policy, and random search under the same enforcement.

The solver adds up what layers lose one at a time. Where many are narrow at once that no longer
holds, and a climb by measured scores goes on from where the sum ends.
"""

import numpy as np

from engine.haq.environment import Bits, QuantizationEnvironment, bits_of
from engine.haq.policy_space import PolicySpace
from engine.haq.trial import Proposal, Trial, rng_from_state, rng_to_state
from engine.schema.policy import Policy
from engine.training.checkpoint import State

_MOST_CHANGES = 4  # operands moved at once; a single one is often put back by the enforcement
_TRIES = 50  # proposals in a row that lead to known policies; then nothing new is near


class HillClimb:
    """Scores neighbours of the best policy so far, and moves to each that loses less."""

    def __init__(
        self,
        space: PolicySpace,
        environment: QuantizationEnvironment,
        *,
        start: Policy,
        rng: np.random.Generator,
    ) -> None:
        self._space = space
        self._environment = environment
        self._rng = rng
        self._best = start
        self._best_loss: float | None = None  # None: the start is still to be scored
        self._seen: set[Bits] = set()
        self.is_exhausted = False

    def ask(self, most: int) -> list[Proposal]:
        """Propose the start, later neighbours of the best that were not scored yet."""
        if self._best_loss is None:
            self._seen.add(bits_of(self._best))
            return [Proposal(policy=self._best, proposed=self._best)]
        proposals: list[Proposal] = []
        while len(proposals) < most:
            one = self._neighbour()
            if bits_of(one.policy) not in self._seen:
                proposals.append(one)
                self._seen.add(bits_of(one.policy))
                continue
            if not proposals:  # else one of this round may lead on
                self.is_exhausted = True
                proposals.append(one)
            break
        return proposals

    def tell(self, trial: Trial) -> Trial:
        """Move to what loses less."""
        if self._best_loss is None or trial.score.loss < self._best_loss:
            self._best, self._best_loss = trial.policy, trial.score.loss
        self.is_exhausted = self.is_exhausted or not self._space.free_layers
        return trial

    def state_dict(self) -> State:
        """Return what `load_state_dict` needs to go on from here."""
        return {
            "rng": rng_to_state(self._rng),
            "best": bits_of(self._best),
            "best_loss": self._best_loss,
            "seen": sorted(self._seen),
            "is_exhausted": self.is_exhausted,
        }

    def load_state_dict(self, saved: State) -> None:
        """Take up a saved state."""
        rng_from_state(self._rng, saved["rng"])
        self._best = self._environment.policy(saved["best"])
        self._best_loss = saved["best_loss"]
        self._seen = set(saved["seen"])
        self.is_exhausted = saved["is_exhausted"]

    def _neighbour(self) -> Proposal:
        """Return a neighbour that was not scored yet; a known one if there is no other."""
        for _ in range(_TRIES):
            changes = int(self._rng.integers(1, _MOST_CHANGES + 1))
            proposed = self._space.neighbour(self._best, self._rng, changes=changes)
            policy = self._space.carry_out(proposed)
            if bits_of(policy) not in self._seen:
                break
        return Proposal(policy=policy, proposed=proposed)


class RandomSearch:
    """Scores random proposals, carried out under the same budgets by the same rule."""

    def __init__(self, space: PolicySpace, *, rng: np.random.Generator) -> None:
        self._space = space
        self._rng = rng

    @property
    def is_exhausted(self) -> bool:
        """With no layer to choose bits for, one policy is all there is."""
        return not self._space.free_layers

    def ask(self, most: int) -> list[Proposal]:
        """Draw proposals."""
        drawn = [self._space.random(self._rng) for _ in range(most)]
        return [Proposal(policy=self._space.carry_out(one), proposed=one) for one in drawn]

    def tell(self, trial: Trial) -> Trial:
        """Learn nothing."""
        return trial

    def state_dict(self) -> State:
        """Return what `load_state_dict` needs to go on from here."""
        return {"rng": rng_to_state(self._rng)}

    def load_state_dict(self, saved: State) -> None:
        """Take up a saved state."""
        rng_from_state(self._rng, saved["rng"])
