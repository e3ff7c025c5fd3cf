"""Tasks with a structure planted in them, and searches that must find it.

An image holds pairs of dots, each dot bright or dark. In one class the two of a pair are alike, in
the other they differ. A single dot tells nothing, nor does anything that sees one dot of a pair at
a time: a network must reach from one to the other.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from engine.catalog.targets import target_entry
from engine.cost.pricing import cost_model
from engine.data.image_set import ImageSet, Normalisation
from engine.data.memory import MemoryPixels
from engine.proxyless.algorithms import architecture_learner
from engine.proxyless.hardware_loss import hardware_term
from engine.proxyless.learner import SearchLearner
from engine.proxyless.priced_space import Choices, PricedSpace, price_space
from engine.proxyless.projection import projected
from engine.proxyless.record import RunState, hash_of
from engine.proxyless.rescore import candidates
from engine.proxyless.scoring import judge
from engine.proxyless.supernet import SuperNet
from engine.schema.architecture import ZERO, BlockSpec, ConvSpec, OpSpec, SearchSpace, mbconv
from engine.schema.cost import Budget
from engine.schema.layers import InputSpec
from engine.schema.search_config import Algorithm, SearchConfig, SearchEffort
from engine.training.seed import torch_generator

SIDE = 12
CHANNELS = 8
CPU = torch.device("cpu")
_GREY, _STEP = 128, 100
_PAIRS = 6


def pairs(count: int, *, distance: int, seed: int) -> ImageSet:
    """Return images of pairs whose dots stand `distance` px apart in a row."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(2, size=count)
    pixels: NDArray[np.uint8] = np.full((count, 1, SIDE, SIDE), _GREY, dtype=np.uint8)
    for image, label in zip(pixels[:, 0], labels, strict=True):
        for pair in range(_PAIRS):
            row, left = rng.integers(SIDE), rng.integers(SIDE - distance)
            sign = 1 if pair % 2 else -1  # as many bright dots as dark ones in either class
            image[row, left] = _GREY + sign * _STEP
            image[row, left + distance] = _GREY + (-sign if label else sign) * _STEP
    return ImageSet(
        MemoryPixels(pixels, input=InputSpec(channels=1, size=SIDE)),
        torch.from_numpy(labels),
        normalisation=Normalisation(mean=(0.5,), std=(0.15,)),
    )


def space_of(*blocks: tuple[OpSpec, ...]) -> SearchSpace:
    """Return a space of blocks with these operations, all on maps of the images' size.

    Around them stand 1x1 convolutions alone: only the blocks look beyond a pixel.
    """
    return SearchSpace(
        id="planted",
        title="Planted",
        description="",
        input=InputSpec(channels=1, size=SIDE),
        classes=2,
        first_conv=_pointwise(1, CHANNELS),
        blocks=tuple(
            BlockSpec(
                name=f"blocks.{index}",
                in_channels=CHANNELS,
                out_channels=CHANNELS,
                input_size=SIDE,
                stride=1,
                ops=ops,
            )
            for index, ops in enumerate(blocks)
        ),
        feature_mix=_pointwise(CHANNELS, 16),
        source="",
    )


def _pointwise(in_channels: int, out_channels: int) -> ConvSpec:
    return ConvSpec(
        in_channels=in_channels,
        out_channels=out_channels,
        kernel_size=1,
        stride=1,
        input_size=SIDE,
    )


@dataclass(frozen=True, kw_only=True)
class Task:
    """A space, pairs at a distance, and the one network of about the budget that can tell them."""

    space: SearchSpace
    distance: int
    answer: Choices
    decoys: tuple[Choices, ...]  # as dear, and blind

    @property
    def budget(self) -> Budget:
        """What the dearest of them takes."""
        priced = self.priced(Budget(metric="macs", limit=1e12))
        dearest = max(priced.tables[0].cost(one) for one in (self.answer, *self.decoys))
        return Budget(metric="macs", limit=dearest)

    def priced(self, budget: Budget) -> PricedSpace:
        """Return the space with its costs."""
        return price_space(self.config(budget), self.space, cost_model(target_entry("counted")))

    def config(
        self, budget: Budget, *, algorithm: Algorithm = "gradient", seed: int = 0
    ) -> SearchConfig:
        """Return how it is searched."""
        return SearchConfig(
            space="planted",
            dataset="planted",
            target="counted",
            budgets=(budget,),
            algorithm=algorithm,
            seed=seed,
            device="cpu",
            effort=SearchEffort(
                train_images=2048,
                search_images=512,
                batch_size=64,
                warmup_epochs=4,
                epochs=10,
                policy_every=2,
                architecture_learning_rate=0.08,
                policy_samples=6,
                policy_images=128,
                rescored=8,
                rescore_images=512,
            ),
        )


# Seven columns hold dots that stand six px apart, five do not; the second block can only be wide.
KERNEL = Task(
    space=space_of(
        (mbconv(3, 3), mbconv(5, 3), mbconv(7, 3)),
        (mbconv(1, 4), mbconv(1, 7), ZERO),
    ),
    distance=6,
    answer=(2, 2),
    decoys=((1, 0), (0, 1)),
)
# Two blocks of five columns hold them too, one does not, however wide it is.
DEPTH = Task(
    space=space_of(
        (mbconv(5, 3), mbconv(5, 6)),
        (mbconv(5, 3), mbconv(5, 6), ZERO),
    ),
    distance=6,
    answer=(0, 0),
    decoys=((1, 2),),
)
# The same with a block between them that can only be wide: it cannot help, and must be skipped.
SKIP = Task(
    space=space_of(
        (mbconv(5, 3), mbconv(5, 6)),
        (mbconv(1, 4), mbconv(1, 7), ZERO),
        (mbconv(5, 3), mbconv(5, 6), ZERO),
    ),
    distance=6,
    answer=(0, 2, 0),
    decoys=((1, 2, 2), (0, 1, 2)),
)


@dataclass(frozen=True, kw_only=True)
class Found:
    """How a search of a task ended."""

    likeliest: Choices  # within the budget
    best: Choices
    expected_share: float
    accuracy: float


def search(task: Task, *, algorithm: Algorithm, seed: int) -> Found:
    """Search a task with the whole machinery but for the training of what is found."""
    config = task.config(task.budget, algorithm=algorithm, seed=seed)
    priced = task.priced(config.budgets[0])
    train = pairs(config.effort.train_images, distance=task.distance, seed=seed)
    held_out = pairs(config.effort.search_images, distance=task.distance, seed=seed + 1000)
    supernet = SuperNet(task.space, generator=torch_generator(seed, "supernet"))
    architecture = architecture_learner(
        supernet, held_out, config=config, priced=priced, term=hardware_term(config), device=CPU
    )
    learner = SearchLearner(supernet, train, architecture, config=config, device=CPU)
    for _ in learner.steps():
        pass
    scorer = judge(supernet, train, held_out, images=config.effort.rescore_images, device=CPU)
    state = RunState(config_hash=hash_of(config))
    probabilities = [row.tolist() for row in supernet.probabilities()]
    for origin, choices in candidates(priced, probabilities, [], count=8, seed=seed):
        state.take(choices, origin, scorer.score(choices), is_candidate=True)
    best = state.best()
    assert best is not None
    return Found(
        likeliest=projected(priced, probabilities),
        best=best,
        expected_share=architecture.expected_shares()[0],
        accuracy=state.scores[best].accuracy,
    )
