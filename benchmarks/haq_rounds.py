"""What scoring several policies at once saves, and what it does to the agent.

Scoring: wall time of so many policies of MobileNetV2 on all threads given, at once against one
after the other, in turns. The agent: the least loss it finds on the small MobileNetV2 and
Fashion-MNIST, at BISMO cloud's latency of uniform 4 bit, by policies at once. Prints one JSON
object.

    OMP_NUM_THREADS=2 python -m benchmarks.haq_rounds [--rounds 15] [--policies 4]
        [--seeds 4] [--episodes 80] [--at-once 1 2 4 8]
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from benchmarks.haq_gain import DATASET, MODEL, Question
from benchmarks.haq_networks import Quantizable, Task
from engine.haq.environment import QuantizationEnvironment
from engine.run import run
from engine.schema.events import EpisodeFinished
from engine.schema.places import Places
from engine.schema.policy import LayerBits, Policy
from engine.schema.quantize_config import QuantizeConfig, QuantizeEffort
from engine.training.seed import numpy_generator

IMAGES = {32: 512, 224: 64}  # by their size in px
QUESTION = Question(
    target="bismo-cloud", metric="latency_ms", bits=4, saving=1.0, quantizer="linear"
)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--policies", type=int, default=4)
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--episodes", type=int, default=80)
    parser.add_argument("--at-once", type=int, nargs="+", default=[1, 2, 4, 8])
    parser.add_argument("--data-root", type=Path, default=Path("var/data"))
    options = parser.parse_args()
    rows: dict[str, object] = {
        f"scoring_{size}": scoring(size, policies=options.policies, rounds=options.rounds)
        for size in IMAGES
    }
    with tempfile.TemporaryDirectory() as folder:
        places = Places(data_root=options.data_root, weights_store=Path(folder) / "weights")
        rows["agent"] = {
            at_once: [
                least_loss(at_once, seed, episodes=options.episodes, places=places)
                for seed in range(options.seeds)
            ]
            for at_once in options.at_once
        }
    print(
        json.dumps(
            {"benchmark": "haq_rounds", "threads": torch.get_num_threads(), "rows": rows}, indent=1
        )
    )


def scoring(size: int, *, policies: int, rounds: int) -> dict[str, object]:
    """Return the wall time of a round of policies at once over that of one after the other."""
    together = scorer(size, policies=policies, copies=min(policies, torch.get_num_threads()))
    one_by_one = scorer(size, policies=policies, copies=1)
    ratios = [together(turn) / one_by_one(turn) for turn in range(rounds + 1)][1:]
    return {
        "policies": policies,
        "ratio": round(statistics.median(ratios), 3),
        "quartiles": [round(float(q), 3) for q in np.quantile(ratios, (0.25, 0.75))],
    }


def scorer(size: int, *, policies: int, copies: int) -> Callable[[int], float]:
    """Return what scores the policies of a turn and tells the seconds it took."""
    task = Task(size=size, batch=8)
    network = Quantizable.of(task)
    environment = QuantizationEnvironment(
        network.to_score(),
        network.layers,
        thresholds=network.grids,
        images_NCHW=task.images(IMAGES[size]),
        labels_N=task.labels(IMAGES[size]),
        copies=copies,
    )

    def score(turn: int) -> float:
        drawn = [policy_of(network, 100 * turn + index) for index in range(policies)]
        started = time.perf_counter()
        environment.scores_of(drawn)
        return time.perf_counter() - started

    return score


def policy_of(network: Quantizable, seed: int) -> Policy:
    """Return a policy drawn at random."""
    drawn = numpy_generator(seed, "policies").integers(2, 9, size=(len(network.layers), 2))
    pairs = zip(network.layers, drawn.tolist(), strict=True)
    return Policy(
        layers={name: LayerBits(weight_bits=w, activation_bits=a) for name, (w, a) in pairs},
        model_hash=network.spec.model_hash,
    )


def least_loss(at_once: int, seed: int, *, episodes: int, places: Places) -> float:
    """Return the least loss on the search images, in nats, that the agent finds."""
    config = QuantizeConfig(
        model=MODEL,
        dataset=DATASET,
        target=QUESTION.target,
        budgets=(QUESTION.budget,),
        effort=QuantizeEffort(
            evaluations=1, episodes=episodes, policies_at_once=at_once, finetune_epochs=0
        ),
        seed=seed,
        threads=max(at_once, torch.get_num_threads()),
    )
    with tempfile.TemporaryDirectory() as workdir:
        losses = [
            event.loss
            for event in run(config, Path(workdir), places=places)
            if isinstance(event, EpisodeFinished) and event.strategy == "agent"
        ]
    return round(min(losses), 4)


if __name__ == "__main__":
    main()
