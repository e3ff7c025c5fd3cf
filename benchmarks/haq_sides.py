"""One side of `benchmarks.haq` as a process of its own.

    python -m benchmarks.haq_sides SIDE SIZE BATCH

Each line on stdin is a turn; it is answered with a JSON object of CPU seconds for each call, the
mean over the turn: `whole`, and by name the parts that a side tells apart.
"""

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping

import torch
from torch import nn
from torch.nn import functional

from benchmarks.haq_agent import agent_update
from benchmarks.haq_episodes import (
    episode,
    float_epoch,
    taught_episode,
    tuned_episode,
    validation_pass,
)
from benchmarks.haq_networks import Quantizable, Task
from engine.haq.grid import set_policy

SECONDS_A_TURN = 0.4
MATMUL = 1024

Work = Callable[[], Mapping[str, float] | None]  # may return what parts of it took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("side", choices=SIDES)
    parser.add_argument("size", type=int)
    parser.add_argument("batch", type=int)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    work = SIDES[options.side](Task(size=options.size, batch=options.batch))
    for _ in sys.stdin:
        print(json.dumps(turn(work)), flush=True)


def turn(work: Work) -> dict[str, float]:
    """Return the mean CPU seconds of a call and of its parts."""
    calls, parts = 0, Counter[str]()
    started = time.process_time()
    while time.process_time() - started < SECONDS_A_TURN:
        parts.update(work() or {})
        calls += 1
    whole = (time.process_time() - started) / calls
    return {"whole": whole, **{name: seconds / calls for name, seconds in parts.items()}}


def plain_step(task: Task) -> Work:
    """Return a training step of the float network."""
    return training_step(task.network(), task)


def quantized_step(task: Task) -> Work:
    """Return a training step of the network with all operands fake-quantised, as fine-tuned."""
    network = Quantizable.of(task)
    return training_step(network.to_train(network.uniform()), task)


def plain_inference(task: Task) -> Work:
    """Return the float network's pass over a batch."""
    return inference(task.network().eval(), task)


def scoring(task: Task) -> Work:
    """Return a quantised network's pass, batch norms folded and weights cached, as in a search."""
    network = Quantizable.of(task)
    model = network.to_score()
    set_policy(network.layers, network.uniform(), network.grids)
    return inference(model, task)


def matmul(_task: Task) -> Work:
    """Return a product of two square matrices."""
    left, right = torch.randn(MATMUL, MATMUL), torch.randn(MATMUL, MATMUL)

    def multiply() -> None:
        left @ right

    return multiply


def training_step(model: nn.Module, task: Task) -> Work:
    model.train()
    optimiser = torch.optim.SGD(
        model.parameters(), lr=1e-3, momentum=0.9, nesterov=True, foreach=False
    )
    images_NCHW, labels_N = task.images(task.batch), task.labels(task.batch)

    def step() -> None:
        loss = functional.cross_entropy(model(images_NCHW), labels_N)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()

    return step


def inference(model: nn.Module, task: Task) -> Work:
    images_NCHW = task.images(task.batch)

    def infer() -> None:
        with torch.inference_mode():
            model(images_NCHW)

    return infer


SIDES: Mapping[str, Callable[[Task], Work]] = {
    "plain_step": plain_step,
    "quantized_step": quantized_step,
    "plain_inference": plain_inference,
    "scoring": scoring,
    "matmul": matmul,
    "agent_update": agent_update,
    "validation_pass": validation_pass,
    "episode": episode,
    "float_epoch": float_epoch,
    "tuned_episode": tuned_episode,
    "taught_episode": taught_episode,
}


if __name__ == "__main__":
    main()
