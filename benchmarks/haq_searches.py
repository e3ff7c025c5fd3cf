"""Whole computations as sides of `benchmarks.haq`: all codebooks, and searches as MCT does them.

    python -m benchmarks.haq_searches codebooks WEIGHTS.npz
    python -m benchmarks.haq_searches {mixed,full}

Prints one JSON object: CPU seconds over import, the process's peak memory in MB, and what came out.
"""

import argparse
import json
import resource
import time
from pathlib import Path

import numpy as np
import torch

from benchmarks.haq_networks import Task
from engine.catalog.baselines import uniform_policy
from engine.catalog.targets import target_entry
from engine.cost.pricing import cost_model
from engine.haq.grid import set_policy
from engine.haq.sensitivity import SensitivityPass, measured_widths
from engine.haq.thresholds import compute_thresholds
from engine.nn.codebook import SortedWeights
from engine.nn.folding import fold_batch_norms
from engine.nn.quantized import quantize_layers
from engine.nn.segments import cut
from engine.schema.cost import Budget, Metric
from engine.solver.knapsack import front, solve
from engine.solver.losses import additive_losses
from engine.solver.problem import policy_problem

CODEBOOK_BITS = range(2, 9)
ITERATIONS = 50  # of Lloyd's, as in HAQ's own code
IMAGES, CALIBRATION_BATCH = 32, 8
SHARE = 0.75  # of what 8 bits everywhere cost


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("side", choices=["codebooks", "mixed", "full"])
    parser.add_argument("weights", type=Path, nargs="?")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    started = time.process_time()
    if options.side == "codebooks":
        with np.load(options.weights) as weights:
            outcome = codebooks([torch.from_numpy(weights[name]) for name in weights.files])
    elif options.side == "mixed":
        outcome = search("model_bytes", (2, 4, 8), (8,))
    else:
        widths = tuple(range(2, 9))
        outcome = search("latency_ms", widths, widths)
    seconds = time.process_time() - started
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    print(json.dumps({"seconds": seconds, "peak_mb": peak_mb, **outcome}))


def codebooks(weights: list[torch.Tensor]) -> dict[str, object]:
    """Return the squared errors of all layers' codebooks, in sum, by bits."""
    errors = dict.fromkeys(CODEBOOK_BITS, 0.0)
    for weight in weights:
        ordered = SortedWeights.of(weight)
        for bits in CODEBOOK_BITS:
            errors[bits] += ordered.distortion(ordered.centroids(bits, iterations=ITERATIONS))
    return {"distortion": errors}


def search(
    metric: Metric, weight_bits: tuple[int, ...], activation_bits: tuple[int, ...]
) -> dict[str, object]:
    """Calibrate, measure every layer and width, solve for the budget, and quantise.

    Layers are measured by their loss, for that leaves out no width; by the distance of the logits
    wider ones are left out once a narrower one loses nothing, which on random weights is soon.
    The network is one that nobody had seen before: nothing is at hand.
    """
    task = Task(size=224, batch=IMAGES, classes=1000)
    model = task.network().eval()
    images_NCHW = task.images(IMAGES)
    spec = task.spec(model)
    layers = quantize_layers(model, spec.layers)
    fold_batch_norms(model)
    grids = compute_thresholds(
        model,
        layers,
        list(images_NCHW.split(CALIBRATION_BATCH)),
        clipping="mse",
        granularity="channel",
    )
    one_by_one = SensitivityPass(
        cut(model, images_NCHW[:2], largest=2**20),
        layers,
        thresholds=grids,
        images_NCHW=images_NCHW,
        labels_N=task.labels(IMAGES),
        measure="loss",
    )
    widths = measured_widths(weight_bits, activation_bits)
    sensitivities = [one_by_one.measure(layer.name, widths) for layer in spec.layers]
    costs = cost_model(target_entry("bismo-cloud"))
    problem = policy_problem(
        spec, costs, (metric,), weight_bits, activation_bits, losses=additive_losses(sensitivities)
    )
    limit = SHARE * costs.network_cost(spec, uniform_policy(spec, 8, 8))[metric]
    points = front(problem, metric)
    policy = solve(problem, (Budget(metric=metric, limit=limit),))
    set_policy(layers, policy, grids)
    return {
        "evaluations": len(spec.layers) * widths.count,
        "front_points": len(points),
        "share": costs.network_cost(spec, policy)[metric] / limit * SHARE,
    }


if __name__ == "__main__":
    main()
