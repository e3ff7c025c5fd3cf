"""What a search stands on: the problem, the policies that may be tried, and what scores them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import nn

from engine.cost.model import FloatArray
from engine.haq.environment import QuantizationEnvironment
from engine.haq.grid import Grids
from engine.haq.policy_space import PolicySpace
from engine.haq.smallest import smallest_limit
from engine.haq.subject import Subject
from engine.nn.quantized import QuantizedLayer
from engine.nn.rectifiers import absorb_rectifiers
from engine.schema.policy import Policy
from engine.schema.quantize_config import QuantizeConfig
from engine.schema.results import LayerSensitivity
from engine.solver.knapsack import solve
from engine.solver.losses import additive_losses, losses_after_tuning
from engine.solver.problem import Problem, policy_problem


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ground:
    """One run's search ground."""

    config: QuantizeConfig  # as searched: the smallest cost asked for has become a budget
    space: PolicySpace
    environment: QuantizationEnvironment
    to_tune: Problem  # with the losses that fine-tuning is expected to leave

    def solved(self) -> Policy:
        """Return the solver's policy."""
        return solve(self.space.problem, self.config.budgets)

    def solved_to_tune(self) -> Policy:
        """Return the solver's policy under the losses that fine-tuning is expected to leave."""
        return solve(self.to_tune, self.config.budgets)


def search_ground(
    config: QuantizeConfig,
    subject: Subject,
    network: nn.Module,
    layers: Mapping[str, QuantizedLayer],
    *,
    grids: Grids,
    sensitivities: Sequence[LayerSensitivity],
) -> Ground:
    """Return the ground of a search on measured sensitivities; the network is rectified for it.

    Raises:
        InvalidConfig: even the widest widths lose more accuracy than may be lost.
        Diverged: the loss of the float network, or of a policy, is not finite.
    """
    problem = _problem(config, subject, additive_losses(sensitivities))
    to_tune = _problem(config, subject, losses_after_tuning(sensitivities))
    # Not before: thresholds and sensitivities look at rectified inputs.
    absorb_rectifiers(network)
    images_NCHW, labels_N = subject.splits.search.first(config.effort.score_images)
    environment = QuantizationEnvironment(
        network,
        layers,
        thresholds=grids,
        images_NCHW=images_NCHW.to(subject.device),
        labels_N=labels_N.to(subject.device),
        model_hash=subject.spec.model_hash,
        copies=copies_for(config, subject.device),
    )
    if config.accuracy_drop is not None:
        config = _under_the_least(config, problem, environment)
    space = PolicySpace(
        problem,
        config.budgets,
        weight_bits=config.weight_bits,
        activation_bits=config.policy_activation_bits,
        faithful=config.faithful,
    )
    return Ground(config=config, space=space, environment=environment, to_tune=to_tune)


def copies_for(config: QuantizeConfig, device: torch.device) -> int:
    """Return how many networks are worth having: on a GPU one keeps all of it busy."""
    if device.type != "cpu":
        return 1
    return min(config.effort.policies_at_once, torch.get_num_threads())


def _under_the_least(
    config: QuantizeConfig, problem: Problem, environment: QuantizationEnvironment
) -> QuantizeConfig:
    """Return the run under the smallest budget that keeps the accuracy asked for."""
    assert config.accuracy_drop is not None
    limit = smallest_limit(
        problem,
        config.limited_metric,
        environment,
        accuracy_drop=config.accuracy_drop,
        budgets=config.budgets,
    )
    budgets = (limit, *config.budgets)
    return replace(config, accuracy_drop=None, objective=None, budgets=budgets)


def _problem(config: QuantizeConfig, subject: Subject, losses: FloatArray) -> Problem:
    metrics = dict.fromkeys([config.limited_metric, *(one.metric for one in config.budgets)])
    return policy_problem(
        subject.spec,
        subject.costs,
        tuple(metrics),
        config.weight_bits,
        config.policy_activation_bits,
        losses=losses,
    )
