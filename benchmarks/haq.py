"""What the parts of a HAQ search cost, each as a ratio to a plain operation of the same run.

The two sides of a ratio compute in a process of their own each, in the environment that a worker
gives an engine, on one thread and in turns: neither finds the other's memory, both see the same
machine. Prints one JSON object: for each row the median of the ratios of the rounds with their
quartiles, and the CPU milliseconds of both sides.

    python -m benchmarks.haq [--rounds 9] [--only training_step_32]
"""

import argparse
import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.catalog.baselines import uniform_policy
from engine.haq.grid import set_policy
from engine.haq.thresholds import compute_thresholds
from engine.nn.build import build_model
from engine.nn.describe import describe
from engine.nn.folding import fold_batch_norms
from engine.nn.layout import lay_channels_last
from engine.nn.quantized import quantize_layers
from engine.nn.rectifiers import absorb_rectifiers
from engine.schema.layers import InputSpec
from workers.engine_process import engine_environment

MODEL, CLASSES, BITS = "mobilenet_v2", 10, 4
CALIBRATION_IMAGES = 16
SECONDS_A_TURN = 0.4

Work = Callable[[], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One ratio: what is measured, by what it is divided, and on which images."""

    measured: str
    reference: str
    size: int  # px, both sides of an image
    batch: int
    goal: float


ROWS: Mapping[str, Row] = {
    "training_step_32": Row(
        measured="quantized_step", reference="plain_step", size=32, batch=128, goal=1.15
    ),
    "training_step_224": Row(
        measured="quantized_step", reference="plain_step", size=224, batch=8, goal=1.15
    ),
    "scoring_32": Row(
        measured="scoring", reference="plain_inference", size=32, batch=128, goal=1.1
    ),
    "scoring_224": Row(
        measured="scoring", reference="plain_inference", size=224, batch=8, goal=1.1
    ),
}


def main() -> None:
    """Measure the rows and print them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--only", choices=ROWS)
    options = parser.parse_args()
    os.environ.update(engine_environment(threads=1))
    chosen = {name: row for name, row in ROWS.items() if options.only in (None, name)}
    rows = {name: measure(row, options.rounds) for name, row in chosen.items()}
    print(json.dumps({"benchmark": "haq", "model": MODEL, "rows": rows}, indent=1))


def measure(row: Row, rounds: int) -> dict[str, float | list[float]]:
    """Return a row's ratio with its spread, from sides that take turns."""
    with Side(row.measured, row) as measured, Side(row.reference, row) as reference:
        pairs = np.array([(measured.turn(), reference.turn()) for _ in range(rounds)])
    ratios = pairs[:, 0] / pairs[:, 1]
    return {
        "ratio": round(float(np.median(ratios)), 3),
        "quartiles": [round(float(q), 3) for q in np.quantile(ratios, (0.25, 0.75))],
        "goal": row.goal,
        "measured_ms": round(1e3 * float(np.median(pairs[:, 0])), 2),
        "reference_ms": round(1e3 * float(np.median(pairs[:, 1])), 2),
    }


class Side:
    """One side of a ratio, in a process of its own that waits for its turn."""

    def __init__(self, name: str, row: Row) -> None:
        context = get_context("spawn")  # a new program: the allocator reads its environment
        self._line, far = context.Pipe()
        self._process = context.Process(target=serve, args=(name, row, far), daemon=True)

    def __enter__(self) -> "Side":
        self._process.start()
        self.turn()  # the first one warms up
        return self

    def __exit__(self, *_: object) -> None:
        self._line.send(False)
        self._process.join()

    def turn(self) -> float:
        """Return the CPU seconds of one call, the mean over a turn."""
        self._line.send(True)
        return cast(float, self._line.recv())


def serve(name: str, row: Row, line: Connection) -> None:
    """Work whenever told to."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    work = WORKS[name](row)
    while line.recv():
        calls, started = 0, time.process_time()
        while time.process_time() - started < SECONDS_A_TURN:
            work()
            calls += 1
        line.send((time.process_time() - started) / calls)


def plain_step(row: Row) -> Work:
    """Return a training step of the float network."""
    return training_step(network(row), row)


def quantized_step(row: Row) -> Work:
    """Return a training step of the network with all operands fake-quantised, as fine-tuned."""
    model = quantized(network(row), row)
    absorb_rectifiers(model)
    return training_step(model, row)


def plain_inference(row: Row) -> Work:
    """Return the float network's pass over a batch."""
    return inference(network(row).eval(), row)


def scoring(row: Row) -> Work:
    """Return a quantised network's pass, batch norms folded and weights cached, as in a search."""
    model = quantized(network(row), row).eval()
    fold_batch_norms(model)
    absorb_rectifiers(model)
    return inference(model, row)


WORKS: Mapping[str, Callable[[Row], Work]] = {
    "plain_step": plain_step,
    "quantized_step": quantized_step,
    "plain_inference": plain_inference,
    "scoring": scoring,
}


def network(row: Row) -> nn.Module:
    model = build_model(MODEL, input=InputSpec(channels=3, size=row.size), classes=CLASSES)
    lay_channels_last(model)
    return model


def quantized(model: nn.Module, row: Row) -> nn.Module:
    spec = describe(
        model, model_id=MODEL, input=InputSpec(channels=3, size=row.size), classes=CLASSES
    )
    model.eval()
    layers = quantize_layers(model, spec.layers)
    thresholds = compute_thresholds(
        model,
        layers,
        [images(row, CALIBRATION_IMAGES)],
        clipping="mse",
        granularity="channel",
    )
    set_policy(layers, uniform_policy(spec, BITS, BITS), thresholds)
    return model


def training_step(model: nn.Module, row: Row) -> Work:
    model.train()
    optimiser = torch.optim.SGD(
        model.parameters(), lr=1e-3, momentum=0.9, nesterov=True, foreach=False
    )
    images_NCHW = images(row, row.batch)
    labels_N = torch.arange(row.batch) % CLASSES

    def step() -> None:
        loss = functional.cross_entropy(model(images_NCHW), labels_N)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        optimiser.step()

    return step


def inference(model: nn.Module, row: Row) -> Work:
    images_NCHW = images(row, row.batch)

    def infer() -> None:
        with torch.inference_mode():
            model(images_NCHW)

    return infer


def images(row: Row, count: int) -> Tensor:
    """Return noise, channels last."""
    noise_NCHW = torch.randn(count, 3, row.size, row.size)
    return noise_NCHW.contiguous(memory_format=torch.channels_last)


if __name__ == "__main__":
    main()
