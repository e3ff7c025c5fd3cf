"""One network that holds every network of a space, one path of it alive: Cai et al. 2019."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Literal, TypeVar

import torch
from torch import Tensor, nn

from engine.proxyless.architecture_step import ArchitectureStep
from engine.proxyless.gates.all_paths import AllPaths
from engine.proxyless.gates.draw import GateMode, ZeroRule, draw_gates, sample_active
from engine.proxyless.mixed_op import MixedOp
from engine.proxyless.mobile_body import MobileBody
from engine.proxyless.tree_body import TreeBody
from engine.schema.architecture import Architecture, SearchSpace

Choices = tuple[int, ...]  # as those of an `Architecture`: fixed blocks have their 0 in it
T = TypeVar("T")


class SuperNet(nn.Module):
    """The paths of a space, their weights and their architecture parameters.

    A path is named by the choices of its architecture. `mixed_ops` are the places where there is
    one to make. Every draw takes its generator as an argument, so that two supernets in one
    process do not touch each other.

    A weight step:

        supernet.sample(generator)
        cross_entropy(supernet(images), labels).backward()
        optimizer.step()  # over weight_parameters(); what was not sampled has no gradient

    An architecture step:

        with supernet.architecture_step("two", generator) as step:
            loss = cross_entropy(supernet(images), labels)
            (loss + cost(step.probabilities())).backward()
            step.apply(optimizer)  # over architecture_parameters()
    """

    def __init__(
        self,
        space: SearchSpace,
        *,
        generator: torch.Generator,
        shared: bool = True,
        alpha_init: Literal["normal", "uniform"] = "normal",
        alpha_scale: float = 1e-3,
    ) -> None:
        super().__init__()
        self.space = space
        with torch.device("meta"):  # draws nothing from the ambient generator
            self.body = _body(space, shared=shared)
        self.body.to_empty(device="cpu")
        self.body.initialise(generator)
        self._places, self._length = self.body.places, len(space.decisions)
        self.mixed_ops = tuple(each for each in self.modules() if isinstance(each, MixedOp))
        for alphas_P in self.architecture_parameters():
            if alpha_init == "normal":
                nn.init.normal_(alphas_P, 0.0, alpha_scale, generator=generator)
            else:
                nn.init.uniform_(alphas_P, -alpha_scale, alpha_scale, generator=generator)
        alphas = {id(alphas_P) for alphas_P in self.architecture_parameters()}
        self._weights = tuple(each for each in self.parameters() if id(each) not in alphas)
        self._norms = tuple(each for each in self.modules() if isinstance(each, nn.BatchNorm2d))

    def forward(self, images_NCHW: Tensor) -> Tensor:
        """Return logits_NK of the active path."""
        logits_NK: Tensor = self.body(images_NCHW)
        return logits_NK

    def weight_parameters(self) -> list[nn.Parameter]:
        """Return all weights, batch norm's among them, and no architecture parameter."""
        return list(self._weights)

    def architecture_parameters(self) -> list[nn.Parameter]:
        """Return alphas_P of each mixed operation, in forward order."""
        return [each.alphas for each in self.mixed_ops]

    def sample(self, generator: torch.Generator) -> Choices:
        """Draw a path by the probabilities and make it the active one."""
        drawn = sample_active(list(self.architecture_parameters()), generator)
        for mixed_op, choice in zip(self.mixed_ops, drawn, strict=True):
            mixed_op.active = choice
        return self.active

    def activate(self, choices: Sequence[int]) -> None:
        """Make a path the active one."""
        for mixed_op, choice in zip(self.mixed_ops, self._mixed(choices), strict=True):
            mixed_op.active = choice

    @property
    def active(self) -> Choices:
        """The active path."""
        return self._whole([each.active for each in self.mixed_ops], fixed=0)

    def probabilities(self) -> tuple[Tensor, ...]:
        """Return probabilities_P of each choice, without gradients, on the CPU."""
        return self._whole(self._mixed_probabilities(), fixed=torch.ones(1))

    def argmax(self) -> Choices:
        """Return the most probable path."""
        return tuple(int(each.argmax()) for each in self.probabilities())

    def entropy(self) -> float:
        """Return the mean over mixed operations of -sum p log p, in nats."""
        entropies = [
            float(-(each * torch.log(each + 1e-8)).sum()) for each in self._mixed_probabilities()
        ]
        return sum(entropies) / len(entropies)

    def log_probability(self, choices: Sequence[int]) -> Tensor:
        """Return the logarithm of a path's probability, differentiable; shape ()."""
        chosen = self._mixed(choices)
        return torch.stack(
            [
                torch.log_softmax(alphas_P, dim=0)[choice]
                for alphas_P, choice in zip(self.architecture_parameters(), chosen, strict=True)
            ]
        ).sum()

    @contextmanager
    def architecture_step(
        self, mode: GateMode, generator: torch.Generator, *, zero_rule: ZeroRule = "all"
    ) -> Iterator[ArchitectureStep]:
        """Draw gates; inside, forward and backward fill the gradients of architecture parameters.

        Weights get none, and no running statistic moves. Earlier gradients of architecture
        parameters are dropped. Call backward inside: the gates try their operations in it.
        """
        draws = draw_gates(list(self.architecture_parameters()), mode, generator)
        for mixed_op, draw in zip(self.mixed_ops, draws, strict=True):
            mixed_op.active, mixed_op.draw, mixed_op.zero_rule = draw.active, draw, zero_rule
            mixed_op.alphas.grad = None
        self._require_weight_gradients(False)
        try:
            with self.frozen_statistics():
                yield ArchitectureStep(
                    self.mixed_ops, draws, places=self._places, active=self.active
                )
        finally:
            self._require_weight_gradients(True)
            for mixed_op in self.mixed_ops:
                mixed_op.draw = None

    @contextmanager
    def all_paths(self, kind: AllPaths) -> Iterator[None]:
        """Inside, every candidate runs at once: the reference for the comparison of memory."""
        for mixed_op in self.mixed_ops:
            mixed_op.all_paths = kind
        try:
            yield
        finally:
            for mixed_op in self.mixed_ops:
                mixed_op.all_paths = None

    @contextmanager
    def frozen_statistics(self) -> Iterator[None]:
        """Inside, batch norm in training mode leaves running statistics alone."""
        for norm in self._norms:
            norm.track_running_stats = False
        try:
            yield
        finally:
            for norm in self._norms:
                norm.track_running_stats = True

    def architecture(self, choices: Sequence[int]) -> Architecture:
        """Return the architecture of a path."""
        return Architecture(space=self.space, choices=tuple(choices))

    def plain(self, choices: Sequence[int], generator: torch.Generator) -> nn.Module:
        """Return a path as a plain network with new weights, on the CPU."""
        return self.body.plain(self.architecture(choices), generator)

    def inherit(self, choices: Sequence[int]) -> nn.Module:
        """Return a path as a plain network with the supernet's weights, on the CPU."""
        return self.body.inherit(self.architecture(choices))

    def _mixed(self, choices: Sequence[int]) -> list[int]:
        whole = self.architecture(choices).choices
        return [whole[place] for place in self._places]

    def _whole(self, mixed: Sequence[T], *, fixed: T) -> tuple[T, ...]:
        by_place = dict(zip(self._places, mixed, strict=True))
        return tuple(by_place.get(place, fixed) for place in range(self._length))

    def _mixed_probabilities(self) -> list[Tensor]:
        return [
            torch.softmax(alphas_P.detach().cpu(), dim=0)
            for alphas_P in self.architecture_parameters()
        ]

    def _require_weight_gradients(self, required: bool) -> None:
        for weight in self._weights:
            weight.requires_grad_(required)


def _body(space: SearchSpace, *, shared: bool) -> MobileBody | TreeBody:
    is_tree = space.form == "tree"
    return TreeBody(space, shared=shared) if is_tree else MobileBody(space, shared=shared)
